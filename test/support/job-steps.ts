import {
  type ClaimedJob,
  claimJobs,
  type ClaimRequest,
  fromTheFront,
} from '../../src/commands/work/claim-jobs.ts';
import { type LoadedJob, loadJobs } from '../../src/commands/read/load-jobs.ts';
import { submitJobs } from '../../src/commands/submit/submit-jobs.ts';
import type { NewJob } from '../../src/domain/job/new-job.ts';
import { expireClaims } from '../../src/store/statements/expire-claims.ts';
import type { TestDatabase } from './test-database.ts';

/** Submits `count` jobs that differ in nothing but their id; gives the ids in order. */
export async function submitMany(
  db: TestDatabase,
  count: number,
  job: Partial<NewJob> = {},
): Promise<string[]> {
  const jobs = Array.from({ length: count }, () => ({ type: 'x', ...job }));
  return (await submitJobs(db.context, jobs)).map(({ id }) => id);
}

/** Submits one job and gives its id. */
export async function submitOne(db: TestDatabase, job: Partial<NewJob> = {}): Promise<string> {
  const [id] = await submitMany(db, 1, job);
  return id as string;
}

/** Claims from the front of the queue `default`: up to 1,000 jobs, or one suspect. */
export function claim(
  db: TestDatabase,
  session: string,
  request: Partial<ClaimRequest> = {},
): Promise<ClaimedJob[]> {
  return claimJobs(db.context, { ...usualClaim, session, ...request });
}

const usualClaim = {
  queue: 'default',
  limit: 1_000,
  suspects: false,
  maxBytes: 10_000_000,
  cursorsMs: fromTheFront,
};

/** Submits one job and claims it in a session of its own. */
export async function claimOne(
  db: TestDatabase,
  job: Partial<NewJob> = {},
): Promise<ClaimedJob & { readonly session: string }> {
  const queue = `only-${(queues += 1)}`;
  await submitOne(db, { queue, ...job });
  const session = await db.openSession();
  const [claimed] = await claim(db, session, { queue: job.queue ?? queue });
  if (claimed === undefined) throw new Error('The job that was just submitted cannot be claimed.');
  return { ...claimed, session };
}

let queues = 0;

/** The session has not beaten for longer than its lease. */
export async function lapse(db: TestDatabase, ...sessions: readonly string[]): Promise<void> {
  await db.database.pool.query(
    `update ${db.schema}.worker_sessions set lease_until = now() - interval '1 s'
     where id = any ($1)`,
    [sessions],
  );
}

/** One round of the caretaker; answers how many claims it took back. */
export async function expire(db: TestDatabase, limit = 1_000): Promise<number> {
  const [row] = await db.database.run(expireClaims, { limit });
  return row?.expired ?? 0;
}

/** A job as its stream tells it. */
export async function load(db: TestDatabase, id: string): Promise<LoadedJob> {
  const job = (await loadJobs(db.database, 1, [id])).get(id);
  if (job === undefined) throw new Error(`There is no job ${id}.`);
  return job;
}

/** The types of a job's events, in version order. */
export async function story(db: TestDatabase, id: string): Promise<string[]> {
  return (await load(db, id)).events.map(({ type }) => type);
}
