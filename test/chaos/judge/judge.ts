import type pg from 'pg';
import { hasEnded } from '../../../src/domain/job/state.ts';
import type { Ledger } from '../load/ledger.ts';
import type { LoggedJob, LoggedJobs } from './logged-jobs.ts';

/** What became of all jobs, held against what clients and handlers saw. */
export interface Verdict {
  /** Acknowledged, and not in the log; or in the log, and never ended. */
  readonly lost: readonly string[];
  readonly wrong: readonly string[];
  /** Dead, and did nothing to deserve it. */
  readonly innocents: readonly string[];
  /** Times that a handler ran and its outcome was not recorded: allowed, and counted. */
  readonly duplicates: number;
  readonly executions: number;
  readonly rejected: number;
}

interface Evidence {
  readonly ledger: Ledger;
  readonly logged: LoggedJobs;
  /** Times that the handler of a job was started. */
  readonly executions: ReadonlyMap<string, number>;
  /** Straight to the database. */
  readonly admin: pg.Pool;
}

export async function judge({ ledger, logged, executions, admin }: Evidence): Promise<Verdict> {
  const { jobs } = logged;
  const lost: string[] = [];
  const innocents: string[] = [];
  const wrong = [...ledger.wrong, ...logged.wrong, ...submittedTwice(logged)];
  for (const { id, n, type, cancelAsked } of ledger.acknowledged.values()) {
    const job = jobs.get(id);
    if (job === undefined) {
      lost.push(`${id} (n ${n}) was acknowledged, and is not in the log`);
    } else if (job.correlation !== `n-${n}` || job.state.type !== type) {
      wrong.push(
        `${id} is ${job.correlation} of type ${job.state.type}, and was n-${n} of ${type}`,
      );
    } else if (job.state.status === 'cancelled' && !cancelAsked) {
      wrong.push(`${id} was cancelled, and nobody had asked for it`);
    }
  }
  for (const [id, job] of jobs) {
    if (!hasEnded(job.state)) lost.push(`${id} (${job.correlation}) is ${job.state.status}`);
    const fault = faultOfEnd(job);
    if (fault === 'innocent') innocents.push(`${id} of type ${job.state.type} is dead`);
    else if (fault !== null) wrong.push(`${id} ${fault}`);
  }
  wrong.push(...(await wrongResults(admin, jobs)), ...(await wrongEffects(admin, jobs)));
  const started = [...executions.values()].reduce((sum, times) => sum + times, 0);
  const duplicates = [...executions].reduce(
    (sum, [id, times]) => sum + Math.max(0, times - (jobs.get(id)?.outcomes ?? 0)),
    0,
  );
  const { rows } = await admin.query<{ n: number }>(
    'select count(*)::int as n from daybook.rejected_outcomes',
  );
  return { lost, wrong, innocents, duplicates, executions: started, rejected: rows[0]?.n ?? 0 };
}

/** What is wrong with how a job ended; null if it ended as its type does. */
function faultOfEnd({ state }: LoggedJob): string | null {
  const { type, status, deadReason } = state;
  if (status === 'completed' && (type === 'doomed' || type === 'deadly')) {
    return `of type ${type} completed`;
  }
  if (status !== 'dead') return null;
  if (type === 'deadly') return deadReason === 'crashes-its-worker' ? null : `is ${deadReason}`;
  if (type === 'doomed') return deadReason === 'crashes-its-worker' ? 'innocent' : null;
  return 'innocent';
}

/** Every submission has a number of its own, so two jobs with the same one are one too many. */
function submittedTwice({ jobs }: LoggedJobs): string[] {
  const byCorrelation = new Map<string, string>();
  const twice: string[] = [];
  for (const [id, { correlation }] of jobs) {
    if (correlation === null) continue;
    const first = byCorrelation.get(correlation);
    if (first === undefined) byCorrelation.set(correlation, id);
    else twice.push(`${correlation} was submitted as ${first} and as ${id}`);
  }
  return twice;
}

/** A result names the claim that it came from: any but the last one was not to be recorded. */
async function wrongResults(
  admin: pg.Pool,
  jobs: ReadonlyMap<string, LoggedJob>,
): Promise<string[]> {
  const { rows } = await admin.query<{ id: string; n: number; claim: number }>(
    `select job_id as id, (result ->> 'n')::int as n, (result ->> 'claim')::int as claim
     from daybook.job_payloads where result is not null`,
  );
  const results = new Map(rows.map((row) => [row.id, row]));
  return [...jobs].flatMap(([id, { state, correlation, lastClaim }]) => {
    if (state.status !== 'completed') return [];
    const result = results.get(id);
    if (result === undefined) return [`${id} completed without its result`];
    if (`n-${result.n}` !== correlation) return [`${id} has the result of n-${result.n}`];
    if (result.claim === lastClaim) return [];
    return [
      `${id} has the result of its claim ${result.claim}, and was last claimed at ${lastClaim}`,
    ];
  });
}

/** Written in the transaction that completes the job: once for each that completed, and for no other. */
async function wrongEffects(
  admin: pg.Pool,
  jobs: ReadonlyMap<string, LoggedJob>,
): Promise<string[]> {
  const { rows } = await admin.query<{ id: string; n: number }>(
    'select job_id as id, count(*)::int as n from daybook.chaos_effects group by job_id',
  );
  const effects = new Map(rows.map(({ id, n }) => [id, n]));
  return [...jobs].flatMap(([id, { state }]) => {
    if (state.type !== 'effect' && state.type !== 'straddles') return [];
    const expected = state.status === 'completed' ? 1 : 0;
    const found = effects.get(id) ?? 0;
    return found === expected ? [] : [`${id} is ${state.status}, and has ${found} effects`];
  });
}
