import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, realpath, rm, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterEach, beforeEach, expect } from 'vitest';
import {
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
  startEmbeddedPostgres,
} from '../../src/embedded/embedded-postgres.ts';
import { commandLine, processMark } from '../../src/embedded/server/process-mark.ts';

/** Another process that starts a server on the data folder of the test. */
export interface OtherDaybook {
  readonly child: ChildProcess;
  /** What `startEmbeddedPostgres` gave there, or the error it threw. */
  readonly outcome: Promise<
    EmbeddedPostgres & { error?: { name: string; code: string; message: string } }
  >;
  /** Kills its whole process group, as a terminal's signal reaches it, and waits until it is gone. */
  kill(): Promise<void>;
}

export interface ElsewhereOptions {
  readonly uid?: number;
  readonly gid?: number;
  /** The process lives on until it is killed; default true. */
  readonly stays?: boolean;
}

/** Where one test starts servers; all that it leaves is stopped and removed after it. */
export interface EmbeddedWorkplace {
  /** A folder that every user can pass through. */
  readonly open: string;
  readonly dataFolder: string;
  start(options?: Partial<EmbeddedPostgresOptions>): Promise<EmbeddedPostgres>;
  startElsewhere(options?: Partial<EmbeddedPostgresOptions>, how?: ElsewhereOptions): OtherDaybook;
  /** Runs after the test, once all servers are stopped. */
  afterwards(cleanup: () => Promise<unknown>): void;
}

export const project = fileURLToPath(new URL('../..', import.meta.url));

/** Gives every test of the file a workplace of its own. */
export function useEmbeddedWorkplace(): EmbeddedWorkplace {
  const state = {
    open: '',
    stops: [] as (() => Promise<unknown>)[],
    cleanups: [] as (() => Promise<unknown>)[],
  };
  const dataFolder = () => join(state.open, '.daybook', 'postgres');
  beforeEach(async () => {
    state.open = await realpath(await mkdtemp(join(tmpdir(), 'daybook-embedded-')));
    await chmod(state.open, 0o755);
  });
  afterEach(async () => {
    for (const run of [...state.stops.splice(0), ...state.cleanups.splice(0)]) await run();
    await rm(state.open, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  });
  return {
    get open() {
      return state.open;
    },
    get dataFolder() {
      return dataFolder();
    },
    afterwards: (cleanup) => state.cleanups.push(cleanup),
    async start(options = {}) {
      const wanted = { dataFolder: dataFolder(), ...options };
      const server = await startEmbeddedPostgres(wanted);
      state.stops.push(() => server.stop());
      if (server.dataFolder !== wanted.dataFolder) {
        state.cleanups.push(() => removeShared(dirname(server.dataFolder)));
      }
      return server;
    },
    startElsewhere(options = {}, how = {}) {
      const other = spawnDaybook({ dataFolder: dataFolder(), ...options }, how);
      state.stops.push(async () => {
        await other.kill();
        // Undefined when it was killed before it had started the server.
        const { pid = 0 } = (await Promise.race([other.outcome, Promise.resolve(undefined)])) ?? {};
        if ((await commandLine(pid)).includes(dataFolder())) {
          process.kill(pid, 'SIGCONT');
          process.kill(pid, 'SIGQUIT');
        }
        await expect.poll(() => processMark(pid)).toBeUndefined();
      });
      return other;
    },
  };
}

function spawnDaybook(
  options: EmbeddedPostgresOptions,
  { stays = true, ...account }: ElsewhereOptions,
): OtherDaybook {
  const room = new URL('../../src/embedded/embedded-postgres.ts', import.meta.url).href;
  const code = `
    import { startEmbeddedPostgres } from ${JSON.stringify(room)};
    startEmbeddedPostgres(${JSON.stringify(options)}).then(
      (server) => { console.log(JSON.stringify(server)); ${stays ? 'setInterval(() => {}, 1000);' : ''} },
      ({ name, code, message }) => console.log(JSON.stringify({ error: { name, code, message } })),
    );`;
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', code], {
    ...account,
    cwd: project,
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exit = once(child, 'exit');
  const outcome = once(createInterface({ input: child.stdout }), 'line').then(([line]) =>
    JSON.parse(line as string),
  );
  return {
    child,
    outcome,
    async kill() {
      const lives = child.exitCode === null && child.signalCode === null;
      if (lives && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      await exit;
    },
  };
}

/** Removes a folder that a start put beside those of others, and the one above if it was the last. */
export async function removeShared(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await rmdir(dirname(folder)).catch((error: unknown) => {
    expect(error).toMatchObject({ code: expect.stringMatching(/^(ENOTEMPTY|ENOENT)$/) });
  });
}

/** Runs one statement on a connection of its own. */
export async function query<Row extends pg.QueryResultRow>(
  server: Pick<EmbeddedPostgres, 'connectionString'>,
  sql: string,
): Promise<Row[]> {
  const client = new pg.Client({ connectionString: server.connectionString });
  await client.connect();
  try {
    return (await client.query<Row>(sql)).rows;
  } finally {
    await client.end();
  }
}

/** Expects one sentence with the code of the room, and gives it. */
export async function failure(attempt: Promise<unknown>): Promise<string> {
  const error = await attempt.then(
    () => expect.fail('it should have failed'),
    (reason: unknown) => reason as Error,
  );
  expect(error).toMatchObject({ name: 'DaybookError', code: 'embedded-postgres-failed' });
  expect(error.message).toMatch(/^[^\n]+\.$/);
  return error.message;
}
