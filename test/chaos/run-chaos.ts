import { setTimeout as wait } from 'node:timers/promises';
import { silentObserver } from '../../src/kernel/observer.ts';
import { openDatabase } from '../../src/store/database.ts';
import type { ClientRecord } from '../../src/verify/safety/witnesses/client-record.ts';
import { type Audit, auditLog, readRecordFiles } from '../simulation/auditor.ts';
import { createChance } from './chance.ts';
import type { Fault } from './faults/fault.ts';
import { type Infliction, inflictSeries, type Plan, untilWell } from './faults/series.ts';
import { countExecutions, recordFiles } from './judge/executions.ts';
import { judge, type Verdict } from './judge/judge.ts';
import { type LoggedJobs, readLoggedJobs } from './judge/logged-jobs.ts';
import { createCaller } from './load/http-caller.ts';
import { createLedger, type Ledger } from './load/ledger.ts';
import { startLoad } from './load/load.ts';
import { monotonicMs } from './monotonic.ts';
import { openRecordFile } from './processes/record-file.ts';
import { type LogReader, type ReaderReport, startLogReader } from './readers/log-reader.ts';
import { startNaiveReader } from './readers/naive-reader.ts';
import type { Tempo } from './tempo.ts';
import { allProcesses } from './world/any-process.ts';
import { startPulse } from './world/pulse.ts';
import { type Crowd, makeWorld, type World } from './world/world.ts';

export interface ChaosOptions {
  readonly seed: number;
  readonly plan: Plan;
  readonly tempo: Tempo;
  readonly crowd: Crowd;
  /** Modules that break the workers, for runs that must fail. */
  readonly workerPreloads?: readonly string[];
  /** Reads by `id > cursor`, for runs that must fail. */
  readonly naiveReader?: boolean;
  /** Time to end everything, once the faults have stopped; four minutes if nothing is said. */
  readonly drainMs?: number;
  /** Lines of what goes on. */
  readonly onLine?: (line: string) => void;
}

export interface ChaosReport {
  readonly seed: number;
  readonly inflictions: readonly Infliction[];
  /** Faults that could not be inflicted, and why. */
  readonly leftOut: readonly string[];
  readonly acknowledged: number;
  readonly logged: Pick<LoggedJobs, 'events' | 'ended'> & { readonly jobs: number };
  readonly verdict: Verdict;
  readonly readers: readonly ReaderReport[];
  /** Processes that ended by themselves, or not well when asked to. */
  readonly badEnds: readonly string[];
  /** What the auditor says of the log, the tables and what clients and handlers saw. */
  readonly audit: Audit;
  /** Acts of clients that were not begun, because too many waited for an answer. */
  readonly shed: number;
}

const DRAIN_MS = 240_000;

/** Lets processes work under load while faults are inflicted, and judges what they made of it. */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const { tempo, crowd, workerPreloads = [], onLine = () => undefined } = options;
  const startedAt = monotonicMs();
  const tell = (line: string) =>
    onLine(`${((monotonicMs() - startedAt) / 1_000).toFixed(1)} ${line}`);
  const world = await makeWorld({ tempo, crowd, workerPreloads, onLine: tell });
  try {
    return await runIn(world, options, tell);
  } finally {
    await world.remove();
  }
}

async function runIn(
  world: World,
  options: ChaosOptions,
  tell: (line: string) => void,
): Promise<ChaosReport> {
  const { seed, plan, tempo } = options;
  const chance = createChance(seed ^ 0x5e_ed);
  const records = openRecordFile<ClientRecord>(`${world.folder}/clients.records.jsonl`);
  const ledger = createLedger((jobId) => records.add({ kind: 'submitted', jobId, by: 'client' }));
  const caller = createCaller(world.urls, Math.random, ({ body }) =>
    ledger.complain(`an API answered 500: ${JSON.stringify(body)}`),
  );
  const readers = startReaders(world, options.naiveReader === true);
  const pulse = startPulse(world);
  const load = startLoad({ caller, ledger, records, chance, rate: tempo.rate });
  await untilWell(pulse, monotonicMs(), Number.POSITIVE_INFINITY, tempo.patienceMs);
  const leftOut = [...new Set('groups' in plan ? plan.groups.flat() : plan.faults)].flatMap(
    (fault) => {
      const why = fault.unavailable?.(world) ?? null;
      return why === null ? [] : [`${fault.name}: ${why}`];
    },
  );
  const inflictions = await inflictSeries({
    plan: possible(plan, world),
    situation: { world, load, readers },
    pulse,
    seed,
    onInflicted: ({ name, what }) => tell(`inflicted ${name}: ${what}`),
  });
  tell('no more faults');
  await load.stop();
  await pulse.stop();
  await untilDrained(world, options.drainMs ?? DRAIN_MS, tell);
  return report(world, { seed, ledger, readers, inflictions, leftOut, shed: load.shed });
}

/** The plan without what cannot be inflicted here. */
function possible(plan: Plan, world: World): Plan {
  const isPossible = ({ unavailable }: Fault) => (unavailable?.(world) ?? null) === null;
  return 'groups' in plan
    ? { groups: plan.groups.map((group) => group.filter(isPossible)) }
    : { ...plan, faults: plan.faults.filter(isPossible) };
}

function startReaders(world: World, naive: boolean): LogReader[] {
  if (naive) return [startNaiveReader('reader', world)];
  return world.urls.map((url, index) => startLogReader(`reader-${index + 1}`, url));
}

/** Waits until every job has ended and every event is in the log; what has not by then is lost. */
async function untilDrained(
  world: World,
  drainMs: number,
  tell: (line: string) => void,
): Promise<void> {
  const began = monotonicMs();
  let left = Number.NaN;
  while (monotonicMs() - began < drainMs) {
    const { rows } = await world.admin
      .query<{ n: number }>(
        `select (select count(*) from daybook.job_claims)::int
              + (select count(*) from daybook.event_inbox i, daybook.log_head h
                 where i.seq > h.highest_seq)::int as n`,
      )
      .catch(() => ({ rows: [] }));
    left = rows[0]?.n ?? Number.NaN;
    if (left === 0) return;
    await wait(250);
  }
  tell(`${left} jobs or events are left`);
}

interface Gathered {
  readonly seed: number;
  readonly ledger: Ledger;
  readonly readers: readonly LogReader[];
  readonly inflictions: readonly Infliction[];
  readonly leftOut: readonly string[];
  readonly shed: number;
}

async function report(world: World, gathered: Gathered): Promise<ChaosReport> {
  const { ledger, readers, ...rest } = gathered;
  const database = openDatabase({
    connectionString: world.postgres.url(),
    schema: 'daybook',
    poolSize: 4,
    observer: silentObserver,
  });
  try {
    const logged = await readLoggedJobs(database);
    const read = await Promise.all(readers.map((reader) => reader.finish(logged.events)));
    const ends = allProcesses(world).flatMap(({ name, surprises }) =>
      surprises.map((surprise) => `${name}: ${surprise}`),
    );
    const stopped = await world.stopProcesses();
    await recordRejections(world);
    const files = recordFiles(world.folder);
    const executions = countExecutions(files);
    return {
      ...rest,
      acknowledged: ledger.acknowledged.size,
      logged: { events: logged.events, ended: logged.ended, jobs: logged.jobs.size },
      verdict: await judge({ ledger, logged, executions, admin: world.admin }),
      readers: read,
      badEnds: [...unexplained(ends, logged, executions), ...stopped],
      audit: await auditLog(database, {
        records: await readRecordFiles(files),
        everyJobEnded: true,
      }),
    };
  } finally {
    await database.close();
  }
}

/** Ends of processes, without as many by SIGKILL as handlers of deadly jobs were started. */
function unexplained(
  ends: readonly string[],
  { jobs }: LoggedJobs,
  executions: ReadonlyMap<string, number>,
): string[] {
  let left = 0;
  for (const [id, times] of executions) {
    if (jobs.get(id)?.state.type === 'deadly') left += times;
  }
  return ends.filter((each) => !each.endsWith('SIGKILL') || (left -= 1) < 0);
}

/** Outcomes that were refused as stale: the log must not have them. */
async function recordRejections({ admin, folder }: World): Promise<void> {
  const { rows } = await admin.query<{ job_id: string; lease_token: string; verb: Verb }>(
    'select job_id, lease_token, verb from daybook.rejected_outcomes',
  );
  const records = openRecordFile<ClientRecord>(`${folder}/rejected.records.jsonl`);
  for (const { job_id: jobId, lease_token: leaseToken, verb } of rows) {
    records.add({ kind: 'outcome', jobId, leaseToken, verb, answer: 'lease-lost' });
  }
}

type Verb = Extract<ClientRecord, { kind: 'outcome' }>['verb'];
