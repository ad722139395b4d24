import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type ScriptProcess, startDaybook } from '../../scripts/script-process.ts';
import { type Judgement, judge } from './judge.ts';
import { readFromReplica, type ReplicaReads } from './replica-reads.ts';
import { createSubmissions, type Submissions } from './submissions.ts';
import { type Subscriber, subscribe } from './subscriber.ts';

/** Where a process is to run; left out, on this machine. */
export interface Place {
  readonly by?: readonly string[];
}

/** Two servers, of which the second is the standby of the first, and where processes run. */
export interface FailoverWorld {
  /** A connection string that names both. */
  readonly servers: string;
  /** The primary is not there any more, from one moment to the next. */
  fail(): Promise<void>;
  /** The standby becomes the primary. */
  promote(): Promise<void>;
  /** Where the API is to listen, and how others reach it. */
  readonly api: Place & { readonly host: string };
  readonly worker: Place;
  /** The housekeeping; left out, the API does it. */
  readonly keeper?: Place;
  /** Serves reads from the standby. */
  readonly reader?: Place & { readonly host: string };
  /** Relays to the server named here. */
  readonly relay?: Place & { readonly url: string };
}

export interface FailoverOptions {
  /** Load before the primary fails, and after submissions are answered again. */
  readonly loadMs: number;
  /** Who submits at the same time. */
  readonly callers: number;
  note(line: string): void;
}

export interface FailoverReport extends Judgement {
  /** Submissions that were answered with 201. */
  readonly acknowledged: number;
  /** Submissions that were refused, or not answered, while nobody took writes. */
  readonly refused: number;
  /** From the failure of the primary, and from the end of the promotion, to the next 201. */
  readonly resumedMs: number;
  readonly resumedAfterPromotionMs: number;
  /** Undefined where nobody reads from the standby. */
  readonly reads: ReplicaReads | undefined;
  /** Why a subscriber of the log was told to begin anew, each time, */
  readonly resets: readonly string[];
  /** what it lacks of the jobs that were acknowledged and are there, */
  readonly unheard: number;
  /** and what it still knows of jobs that are lost. */
  readonly ghosts: number;
}

/** How long anything that must happen may take. */
const PATIENCE_MS = 60_000;

const jobs = fileURLToPath(new URL('../e2e/fixtures/jobs.ts', import.meta.url));

/**
 * Processes that know both servers: an API, a worker, and what else the world has room for. While jobs
 * are submitted the primary fails and the standby is promoted; nothing is restarted. Then everything
 * that was acknowledged must be there, and done.
 */
export async function runFailover(
  world: FailoverWorld,
  options: FailoverOptions,
): Promise<FailoverReport> {
  const { callers, note } = options;
  const started: ScriptProcess[] = [];
  const load = createSubmissions(PATIENCE_MS);
  const end = new AbortController();
  try {
    const { api, reader } = await startAll(world, started);
    note(`API at ${api}, ${started.length - 1} other processes, and ${callers} callers`);
    const subscriber = subscribe(api);
    const calls = Array.from({ length: callers }, () => load.run(api));
    const newest = () => load.acknowledged.at(-1);
    const reading = reader === undefined ? undefined : readFromReplica(reader, newest, end.signal);
    const times = await failAndPromote(world, options, load);
    load.stop();
    await Promise.all(calls);
    end.abort();

    const { acknowledged, refused } = load;
    const found = await judge({ ...world, api }, acknowledged, world.relay?.url, PATIENCE_MS);
    return {
      ...times,
      ...found,
      acknowledged: acknowledged.length,
      refused,
      reads: await reading,
      ...(await heardBy(subscriber, new Set(acknowledged.map(({ id }) => id)), found.lost)),
    };
  } finally {
    load.stop();
    end.abort();
    for (const each of started.toReversed()) await each.stop('SIGKILL');
  }
}

/** Starts all processes; answers where the API and the reader listen. */
async function startAll(
  { servers, api, worker, keeper, reader, relay }: FailoverWorld,
  started: ScriptProcess[],
): Promise<{ readonly api: string; readonly reader: string | undefined }> {
  const start = (args: readonly string[], { by = [] }: Place, url = servers, more = {}) => {
    const env = { DATABASE_URL: url, DATABASE_DIRECT_URL: url, EVENTSTORE_URL: '', ...more };
    const made = startDaybook(['start', ...args], { env, by });
    started.push(made);
    return made;
  };
  const listen = async (args: readonly string[], place: FailoverWorld['api'], url = servers) => {
    const address = ['--host', place.host, '--allow-host', place.host, '--port', '0'];
    const [, found = ''] = await start([...args, ...address], place, url).line(/listens at (\S+)/);
    return found;
  };
  const keep = ['sequencer', 'projector', 'caretaker'];
  const own = keeper === undefined ? keep : [];
  const address = await listen(['--role', 'api', ...own], api);
  const work = ['--role', 'worker', '--jobs', jobs, '--concurrency', '20'];
  const others = [start(work, worker)];
  if (keeper !== undefined) others.push(start(['--role', ...keep], keeper));
  if (relay !== undefined) {
    others.push(start(['--role', 'relay'], relay, servers, { EVENTSTORE_URL: relay.url }));
  }
  for (const each of others) await each.line(/runs as/);
  const standby = `${servers}?target_session_attrs=prefer-standby`;
  const found = reader === undefined ? undefined : await listen(['--read-only'], reader, standby);
  return { api: address, reader: found };
}

async function failAndPromote(
  world: FailoverWorld,
  { loadMs, note }: FailoverOptions,
  load: Submissions,
): Promise<Pick<FailoverReport, 'resumedMs' | 'resumedAfterPromotionMs'>> {
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
  return {
    resumedMs: resumedAt - failedAt,
    resumedAfterPromotionMs: Math.max(0, resumedAt - promotedAt),
  };
}

/** What the subscriber knows, once all has come to it. */
async function heardBy(
  subscriber: Subscriber,
  acknowledged: ReadonlySet<string>,
  lost: readonly string[],
): Promise<Pick<FailoverReport, 'resets' | 'unheard' | 'ghosts'>> {
  const until = performance.now() + PATIENCE_MS;
  const there = [...acknowledged].filter((id) => !lost.includes(id));
  const unheard = () => there.filter((id) => !subscriber.known.has(id)).length;
  while (unheard() > 0 && performance.now() < until) await wait(50);
  await subscriber.stop();
  const ghosts = lost.filter((id) => subscriber.known.has(id)).length;
  return { resets: subscriber.resets, unheard: unheard(), ghosts };
}

export function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
