import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import pg from 'pg';
import { describe, expect, it, vi } from 'vitest';
import type { EmbeddedPostgres } from '../../src/embedded/embedded-postgres.ts';
import { processMark } from '../../src/embedded/server/process-mark.ts';
import { failure, query, useEmbeddedWorkplace } from '../support/embedded-workplace.ts';

const place = useEmbeddedWorkplace();

const count = (server: EmbeddedPostgres) =>
  query(server, 'select count(*)::int as count from kept');

describe('a server of its own', () => {
  it('keeps its data over a stop and a start, and leaves nothing running', async () => {
    const first = await place.start();
    await query(first, 'create table kept as select generate_series(1, 1000)');
    await Promise.all([first.stop(), first.stop()]);
    expect(await processMark(first.pid)).toBeUndefined();
    expect((await readdir(dirname(place.dataFolder))).toSorted()).toEqual([
      'postgres',
      'postgres.log',
      'postgres.password',
    ]);
    const second = await place.start();
    expect(await count(second)).toEqual([{ count: 1000 }]);
    expect(second).toMatchObject({ adopted: false, dataFolder: place.dataFolder });
  });

  it('is closed to other users and machines, and to those without the password', async () => {
    const server = await place.start({ settings: { fsync: 'off' } });
    expect((await stat(place.dataFolder)).mode & 0o777).toBe(0o700);
    expect((await stat(`${place.dataFolder}.password`)).mode & 0o777).toBe(0o600);
    const settings =
      "select name, setting from pg_settings where name in ('fsync', 'listen_addresses', 'unix_socket_directories') order by 1";
    expect((await query(server, settings)).map(({ setting }) => setting)).toEqual([
      'off',
      '127.0.0.1',
      '',
    ]);
    const guessed = server.connectionString.replace(/:[0-9a-f]{48}@/, ':guessed@');
    await expect(query({ connectionString: guessed }, 'select 1')).rejects.toThrow(
      'password authentication failed',
    );
  });

  it('is of the version that the named package brings', async () => {
    const old = await place.start({ packageName: 'embedded-postgres-15' });
    expect(
      await query(old, "select current_setting('server_version_num')::int / 10000 as major"),
    ).toEqual([{ major: 15 }]);
    await old.stop();
    expect(await failure(place.start())).toContain(
      'was written by Postgres 15, and this is Postgres 18',
    );
  });

  it('gets a new password when the file with it is lost', async () => {
    const first = await place.start();
    await first.stop();
    await rm(`${place.dataFolder}.password`);
    const second = await place.start();
    expect(second.connectionString).not.toContain(new URL(first.connectionString).password);
    expect(await query(second, 'select 1 as one')).toEqual([{ one: 1 }]);
  });
});

describe('a server that a killed Daybook left', () => {
  it('is taken over, also when the signal went to the whole process group', async () => {
    const other = place.startElsewhere();
    const left = await other.outcome;
    await query(left, 'create table kept as select generate_series(1, 10)');
    await other.kill();
    const server = await place.start();
    expect(server).toMatchObject({
      adopted: true,
      pid: left.pid,
      connectionString: left.connectionString,
    });
    expect(server.notes.join()).toContain(`Took over the Postgres (pid ${left.pid})`);
    expect(await count(server)).toEqual([{ count: 10 }]);
    await server.stop();
    expect(await processMark(left.pid)).toBeUndefined();
  });

  it('does not keep the process that started it from ending', async () => {
    const other = place.startElsewhere({}, { stays: false });
    const left = await other.outcome;
    if (other.child.exitCode === null) await once(other.child, 'exit');
    expect(other.child.exitCode).toBe(0);
    expect(await place.start()).toMatchObject({ adopted: true, pid: left.pid });
  });

  it('is replaced when it was started with other settings, or does not answer', async () => {
    for (const [settings, spoil] of [
      [{ work_mem: '8MB' }, () => undefined],
      [{}, (pid: number) => process.kill(pid, 'SIGSTOP')],
    ] as const) {
      const other = place.startElsewhere();
      const left = await other.outcome;
      await other.kill();
      spoil(left.pid);
      const server = await place.start({ settings });
      expect(server.adopted).toBe(false);
      expect(await processMark(left.pid)).toBeUndefined();
      expect(await query(server, 'select 1 as one')).toEqual([{ one: 1 }]);
      await server.stop();
    }
  });

  it('is refused while its owner lives', async () => {
    const other = place.startElsewhere();
    const { pid } = await other.outcome;
    const sentence = await failure(place.start());
    expect(sentence).toBe(
      `Another Daybook (pid ${other.child.pid}) runs on the data folder ${place.dataFolder}; stop it or choose another folder with --data.`,
    );
    expect(await processMark(pid)).toBeDefined();
    await other.kill();
    expect(await place.start()).toMatchObject({ adopted: true, pid });
    expect(await failure(place.start())).toContain('This process already runs');
  });
});

describe('two starts at once', () => {
  it('on new data: one wins, and each other gets one sentence', async () => {
    const others = Array.from({ length: 3 }, () => place.startElsewhere());
    const outcomes = await Promise.all(others.map(({ outcome }) => outcome));
    const winner = outcomes.filter(({ error }) => error === undefined);
    expect(winner).toHaveLength(1);
    for (const { error } of outcomes.filter((outcome) => outcome !== winner[0])) {
      expect(error).toMatchObject({
        code: 'embedded-postgres-failed',
        message: expect.stringMatching(/^Another Daybook \(pid \d+\) runs/),
      });
    }
    await Promise.all(others.map((other) => other.kill()));
    expect(await place.start()).toMatchObject({ adopted: true, pid: winner[0]?.pid });
  });

  it('in one process, in the same moment: one wins', async () => {
    const starts = await Promise.allSettled([place.start(), place.start(), place.start()]);
    expect(starts.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const start of starts.filter(({ status }) => status === 'rejected')) {
      expect(start).toMatchObject({
        reason: { message: expect.stringMatching(/^This process already runs/) },
      });
    }
  });

  it('after a killed owner: one takes over', async () => {
    const first = place.startElsewhere();
    const { pid } = await first.outcome;
    await first.kill();
    const others = Array.from({ length: 3 }, () => place.startElsewhere());
    const outcomes = await Promise.all(others.map(({ outcome }) => outcome));
    expect(outcomes.filter(({ error }) => error === undefined)).toMatchObject([
      { adopted: true, pid },
    ]);
    await Promise.all(others.map((other) => other.kill()));
    await place.start();
    expect(
      (await readdir(dirname(place.dataFolder))).filter((name) => name.includes('.owner-')),
    ).toHaveLength(1);
  });
});

describe('what a crash leaves', () => {
  it('recovers when the server itself was killed while it worked', async () => {
    const first = await place.start();
    await query(first, 'create table kept as select generate_series(1, 1000)');
    const busy = new pg.Client({ connectionString: first.connectionString });
    busy.on('error', () => undefined);
    await busy.connect();
    const unfinished = busy
      .query('select count(*) from generate_series(1, 20000000)')
      .catch((error: unknown) => error);
    process.kill(first.pid, 'SIGKILL');
    await first.stop();
    const second = await place.start();
    expect(await count(second)).toEqual([{ count: 1000 }]);
    await unfinished;
    await busy.end();
  });

  it('starts when postmaster.pid names a living process of another program', async () => {
    const first = await place.start();
    // As the server's user: the processes of others do not keep Postgres from starting.
    const { uid, gid } = await stat(place.dataFolder);
    const stranger = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], {
      uid,
      gid,
      stdio: 'ignore',
    });
    place.afterwards(async () => stranger.kill('SIGKILL'));
    const file = await readFile(join(place.dataFolder, 'postmaster.pid'), 'utf8');
    await first.stop();
    await writeFile(
      join(place.dataFolder, 'postmaster.pid'),
      file.replace(/^\d+/, String(stranger.pid)),
    );
    const second = await place.start();
    expect(await query(second, 'select 1 as one')).toEqual([{ one: 1 }]);
    expect(stranger.exitCode ?? stranger.signalCode).toBe(null);
  });

  it('starts when postmaster.pid names no process', async () => {
    const first = await place.start();
    const file = await readFile(join(place.dataFolder, 'postmaster.pid'), 'utf8');
    await first.stop();
    await writeFile(join(place.dataFolder, 'postmaster.pid'), file);
    expect((await place.start()).adopted).toBe(false);
  });

  it('starts anew when it was killed half-way through making the data', async () => {
    const drafts = async () =>
      (await readdir(dirname(place.dataFolder))).filter((name) => name.startsWith('postgres.new-'));
    const other = place.startElsewhere();
    const halfMade = await vi.waitFor(
      async () => {
        const [draft = ''] = await drafts();
        await access(join(dirname(place.dataFolder), draft, 'data', 'PG_VERSION'));
        return draft;
      },
      { interval: 5 },
    );
    await other.kill();
    expect(await drafts()).toEqual([halfMade]);
    const server = await place.start();
    expect(await query(server, 'select current_database() as name')).toEqual([{ name: 'daybook' }]);
    expect(await drafts()).toEqual([]);
  });
});
