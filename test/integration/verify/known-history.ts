import type pg from 'pg';
import { changeJobs } from '../../../src/commands/change/change-jobs.ts';
import { changeQueue } from '../../../src/commands/change/change-queue.ts';
import { completeJobs } from '../../../src/commands/work/complete-jobs.ts';
import { endAttempts } from '../../../src/commands/work/end-attempts.ts';
import type { PositionRange } from '../../../src/consumers/consumer.ts';
import { projections } from '../../../src/projections/registry.ts';
import { readHead } from '../../../src/store/statements/read-head.ts';
import type { Difference, VerifyReport } from '../../../src/verify/report.ts';
import { verify } from '../../../src/verify/verify.ts';
import { claim, submitOne } from '../../support/job-steps.ts';
import { sequenceAll } from '../../support/log-steps.ts';
import { applyLive, prepareReadModels } from '../../support/read-models.ts';
import { stretchLog } from '../../support/stretched-log.ts';
import { createTestDatabase, type TestDatabase } from '../../support/test-database.ts';

/** A database with a job of every status, all of it in the log and in the read models. */
export interface KnownHistory {
  readonly db: TestDatabase;
  /** The ids, by status. */
  readonly jobs: Readonly<
    Record<'waiting' | 'running' | 'completed' | 'dead' | 'cancelled', string>
  >;
  /** The stream of the queue `default`. */
  readonly queue: string;
  /** Runs SQL that the database would refuse to everybody else. */
  tamper(sql: string, values?: readonly unknown[]): Promise<pg.QueryResult>;
  /** What verify finds, without the fields that do not apply. */
  differences(): Promise<Partial<Difference>[]>;
  verify(): Promise<VerifyReport>;
}

/** @param stretch positions from one event to the next: landmarks lie between them, and holes */
export async function createKnownHistory(stretch = 1): Promise<KnownHistory> {
  const db = await createTestDatabase();
  await prepareReadModels(db.database);
  const jobs = await playHistory(db);
  await changeQueue(db.context, 'default', { kind: 'pause', reason: null });
  await sequenceAll(db.database);
  if (stretch > 1) await stretchLog(db, stretch);
  await projectAll(db);
  const client = await db.connect();
  // Triggers of the log rest in this session.
  await client.query("set session_replication_role = 'replica'");
  const { rows } = await client.query('select stream_id from queues');
  return {
    db,
    jobs,
    queue: rows[0].stream_id,
    tamper: (sql, values = []) => client.query(sql, [...values]),
    verify: () => verify(db.database),
    async differences() {
      const { differences } = await verify(db.database);
      return differences.map(
        (each) =>
          Object.fromEntries(
            Object.entries(each).filter(([, value]) => value !== null),
          ) as Partial<Difference>,
      );
    },
  };
}

async function playHistory(db: TestDatabase): Promise<KnownHistory['jobs']> {
  const options = { tags: ['a', 'b'], payload: { some: 'body' }, maxAttempts: 2 };
  const completed = await submitOne(db, options);
  const dead = await submitOne(db, options);
  const running = await submitOne(db, options);
  const session = await db.openSession();
  const tokens = new Map((await claim(db, session)).map((job) => [job.id, job.leaseToken]));
  const leaseToken = (id: string) => tokens.get(id) ?? '';
  await completeJobs(db.context, [
    { id: completed, leaseToken: leaseToken(completed), result: { sum: 42 } },
  ]);
  const error = { name: 'Error', message: 'boom' };
  const fail = { kind: 'fail' as const, leaseToken: leaseToken(dead), retryable: false, error };
  await endAttempts(db.context, [{ id: dead, command: fail }]);
  const waiting = await submitOne(db, { ...options, uniqueKey: 'only', delayMs: 3_600_000 });
  const cancelled = await submitOne(db, options);
  const command = { kind: 'cancel' as const, reason: 'not wanted' };
  await changeJobs(db.context, [{ id: cancelled, command }]);
  return { waiting, running, completed, dead, cancelled };
}

/** Brings every read model to the end of the log. */
export async function projectAll(db: TestDatabase, after = 0n): Promise<void> {
  const [head] = await db.database.run(readHead, {});
  await project(db, { after, upTo: head?.position ?? 0n });
}

/** Brings every read model through a range. */
export async function project(db: TestDatabase, range: PositionRange): Promise<void> {
  for (const { name } of projections) await applyLive(db.database, name, range);
}
