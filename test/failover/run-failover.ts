import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type ScriptProcess, startDaybook } from '../../scripts/script-process.ts';
import { type Daybook, openDaybook } from '../../src/daybook.ts';

/** Two servers, of which the second is the standby of the first, and where processes run. */
export interface FailoverWorld {
  /** A connection string that names both. */
  readonly servers: string;
  /** The primary is not there any more, from one moment to the next. */
  fail(): Promise<void>;
  /** The standby becomes the primary. */
  promote(): Promise<void>;
  /** Where the API is to listen, and how others reach it. */
  readonly api: { readonly host: string; readonly by?: readonly string[] };
  /** Where the worker is to run. */
  readonly worker: { readonly by?: readonly string[] };
}

export interface FailoverOptions {
  /** Load before the primary fails, and after submissions are answered again. */
  readonly loadMs: number;
  /** Who submits at the same time. */
  readonly callers: number;
  note(line: string): void;
}

export interface FailoverReport {
  /** Submissions that were answered with 201, */
  readonly acknowledged: number;
  /** of these, jobs that are not in the log afterwards, */
  readonly lost: readonly string[];
  /** and jobs that did not complete. */
  readonly unfinished: number;
  /** Submissions that were refused, or not answered, while nobody took writes. */
  readonly refused: number;
  /** From the failure of the primary, and from the end of the promotion, to the next 201. */
  readonly resumedMs: number;
  readonly resumedAfterPromotionMs: number;
  readonly epochs: readonly string[];
  readonly differences: number;
}

/** How long anything that must happen may take. */
const PATIENCE_MS = 60_000;

const jobs = fileURLToPath(new URL('../e2e/fixtures/jobs.ts', import.meta.url));

/**
 * An API with the housekeeping, and a worker, each a process that knows both servers. While jobs are
 * submitted the primary fails and the standby is promoted; nothing is restarted. Then everything that
 * was acknowledged must be there, and done.
 */
export async function runFailover(
  world: FailoverWorld,
  { loadMs, callers, note }: FailoverOptions,
): Promise<FailoverReport> {
  const env = { DATABASE_URL: world.servers, DATABASE_DIRECT_URL: world.servers };
  const started: ScriptProcess[] = [];
  const { host, by = [] } = world.api;
  const keep = ['--role', 'api', 'sequencer', 'projector', 'caretaker'];
  const address = ['--host', host, '--allow-host', host, '--port', '0'];
  const load = createLoad();
  try {
    const api = startDaybook(['start', ...keep, ...address], { env, by });
    started.push(api);
    const [, url = ''] = await api.line(/listens at (\S+)/);
    const work = ['--role', 'worker', '--jobs', jobs, '--concurrency', '20'];
    const worker = startDaybook(['start', ...work], { env, by: world.worker.by ?? [] });
    started.push(worker);
    await worker.line(/runs as worker/);
    note(`API at ${url}, a worker, and ${callers} callers`);

    const calls = Array.from({ length: callers }, () => load.run(url));
    await load.next();
    await wait(loadMs);
    note(`The primary fails after ${load.acknowledged.length} jobs`);
    const failedAt = performance.now();
    await world.fail();
    await world.promote();
    const promotedAt = performance.now();
    note(`The standby was promoted ${seconds(promotedAt - failedAt)} later`);
    await load.next();
    const resumedAt = performance.now();
    note(`The next submission was acknowledged ${seconds(resumedAt - failedAt)} after the failure`);
    await wait(loadMs);
    load.stop();
    await Promise.all(calls);

    const judged = await judge(world.servers, load.acknowledged);
    return {
      ...judged,
      acknowledged: load.acknowledged.length,
      refused: load.refused(),
      resumedMs: resumedAt - failedAt,
      resumedAfterPromotionMs: Math.max(0, resumedAt - promotedAt),
    };
  } finally {
    load.stop();
    for (const each of started.toReversed()) await each.stop('SIGKILL');
  }
}

export function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

/** Submits jobs one after the other, and remembers what was acknowledged. */
function createLoad() {
  const acknowledged: string[] = [];
  let refused = 0;
  const end = new AbortController();
  let waiting: (() => void)[] = [];
  return {
    acknowledged,
    refused: () => refused,
    stop() {
      end.abort();
    },
    /** Resolves with the next submission that is begun from now on and acknowledged. */
    next: () =>
      new Promise<void>((resolve, reject) => {
        waiting.push(resolve);
        const late = new Error(`No submission was acknowledged for ${PATIENCE_MS} ms.`);
        setTimeout(() => reject(late), PATIENCE_MS).unref();
      }),
    async run(url: string): Promise<void> {
      while (!end.signal.aborted) {
        const told = waiting;
        const id = await submit(url);
        if (id === undefined) {
          refused += 1;
          await wait(20);
          continue;
        }
        acknowledged.push(id);
        // Those who came to wait meanwhile wait for another one.
        if (told.length > 0 && told === waiting) {
          waiting = [];
          for (const tell of told) tell();
        }
      }
    },
  };
}

async function submit(url: string): Promise<string | undefined> {
  try {
    const answer = await fetch(`${url}/v1/jobs`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ type: 'echo', payload: { some: 'thing' } }),
      signal: AbortSignal.timeout(30_000),
    });
    const body = (await answer.json()) as { job?: { id: string } };
    return answer.status === 201 ? body.job?.id : undefined;
  } catch {
    // Nobody knows what became of it: it was not acknowledged.
    return undefined;
  }
}

async function judge(
  servers: string,
  ids: readonly string[],
): Promise<Pick<FailoverReport, 'lost' | 'unfinished' | 'epochs' | 'differences'>> {
  const daybook = await openDaybook({ connectionString: servers, maintain: false });
  try {
    const until = performance.now() + PATIENCE_MS;
    let unfinished = await without(daybook, ids, 3);
    while (unfinished.length > 0 && performance.now() < until) {
      await wait(100);
      unfinished = await without(daybook, ids, 3);
    }
    const epochs = await daybook.epochs.list();
    const { differences } = await daybook.verify();
    return {
      lost: await without(daybook, ids, 1),
      unfinished: unfinished.length,
      epochs: epochs.map(({ epoch, reason }) => `${epoch}: ${reason}`),
      differences: differences.length,
    };
  } finally {
    await daybook.close();
  }
}

/** Those of the jobs that have no event of a type. */
async function without(
  { context: { database } }: Daybook,
  ids: readonly string[],
  type: number,
): Promise<string[]> {
  const { rows } = await database.pool.query<{ id: string }>(
    `select id from unnest($1::uuid[]) as id
     where not exists (select from daybook.events e where e.stream_id = id and e.type = $2)
       and not exists (select from daybook.event_inbox i where i.stream_id = id and i.type = $2)`,
    [ids, type],
  );
  return rows.map(({ id }) => id);
}
