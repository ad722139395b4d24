import fc from 'fast-check';
import { changeJobs } from '../../src/commands/change/change-jobs.ts';
import { type ClaimedJob, claimJobs, fromTheFront } from '../../src/commands/work/claim-jobs.ts';
import { completeJobs } from '../../src/commands/work/complete-jobs.ts';
import { endAttempts } from '../../src/commands/work/end-attempts.ts';
import { loadJobs } from '../../src/commands/read/load-jobs.ts';
import { submitJobs } from '../../src/commands/submit/submit-jobs.ts';
import type { JobChange } from '../../src/commands/change/change-jobs.ts';
import type { JobChanges } from '../../src/domain/job/events.ts';
import type { NewJob } from '../../src/domain/job/new-job.ts';
import { defineStatement } from '../../src/store/statement.ts';
import { expireClaims } from '../../src/store/statements/expire-claims.ts';
import { markStart } from '../../src/store/statements/mark-start.ts';
import type { TestDatabase } from '../support/test-database.ts';

/** The queues that histories are played in; they must exist. */
export const queues = ['mail', 'reports', 'thumbnails'] as const;

/** One move of a history; numbers pick a job or a claim among those there are. */
export type Move =
  | { readonly kind: 'submit'; readonly jobs: readonly NewJob[] }
  | {
      readonly kind: 'claim';
      readonly queue: string;
      readonly limit: number;
      readonly suspects: boolean;
    }
  | { readonly kind: 'complete'; readonly picks: readonly number[]; readonly result?: string }
  | {
      readonly kind: 'fail';
      readonly pick: number;
      readonly retryable: boolean;
      readonly delayMs: number;
      readonly message: string;
    }
  | { readonly kind: 'snooze'; readonly pick: number; readonly delayMs: number }
  | { readonly kind: 'release'; readonly pick: number }
  | { readonly kind: 'cancel'; readonly pick: number }
  | { readonly kind: 'retry'; readonly pick: number; readonly delayMs: number }
  | { readonly kind: 'reschedule'; readonly pick: number; readonly runAtMs: number }
  | { readonly kind: 'edit'; readonly pick: number; readonly changes: JobChanges }
  | { readonly kind: 'move'; readonly pick: number; readonly queue: string }
  | { readonly kind: 'erase-payload'; readonly pick: number }
  /** Every session lapses. */
  | { readonly kind: 'expire' }
  /** A suspect marks its start and its session lapses, again and again. */
  | { readonly kind: 'crash'; readonly times: number };

const pick = fc.nat(1_000);
/** Mostly at once, so that histories go on; sometimes far from now, which lasts for the whole test. */
const delayMs = fc.constantFrom(0, 0, 0, 3_600_000);
const tags = fc.subarray(['red', 'green', 'blue', 'ü"{},\\']);
const text = fc.constantFrom(
  'connect ECONNREFUSED',
  'order 17 is gone',
  'order 4711 is gone',
  '…',
  'ü'.repeat(300),
  '😀'.repeat(250),
  '',
);
const queue = fc.constantFrom(...queues);
const kind = <Kind extends Move['kind']>(name: Kind) => fc.constant(name);

/** When a job is to run: at once, at a time (some beyond what a float keeps to the µs), after a delay. */
const when = fc.oneof(
  { weight: 4, arbitrary: fc.constant({}) },
  {
    weight: 1,
    arbitrary: fc.record({
      runAtMs: fc.constantFrom(1, 1_000_000_000_123, 4_102_444_800_999, 253_402_300_123_457),
    }),
  },
  { weight: 1, arbitrary: fc.record({ delayMs: fc.constantFrom(1, 3_600_123) }) },
);

const newJob: fc.Arbitrary<NewJob> = fc
  .tuple(
    fc.record(
      {
        type: fc.constantFrom('send', 'render', 'sweep'),
        queue,
        priority: fc.integer({ min: 0, max: 9 }),
        maxAttempts: fc.integer({ min: 1, max: 3 }),
        tags,
        correlationId: fc.constantFrom('order-1', 'order-2'),
        uniqueKey: fc.uuid(),
        retryPolicy: fc.constant({ kind: 'fixed' as const, delayMs: 0, jitter: 0 }),
      },
      { requiredKeys: ['type', 'queue', 'maxAttempts'] },
    ),
    when,
  )
  .map(([job, time]) => ({ ...job, ...time }));

/** Any move; those that lead on are likelier. */
export const move: fc.Arbitrary<Move> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: kind('submit'),
      jobs: fc.array(newJob, { minLength: 1, maxLength: 4 }),
    }),
  },
  {
    weight: 10,
    arbitrary: fc.record({
      kind: kind('claim'),
      queue,
      limit: fc.integer({ min: 1, max: 4 }),
      suspects: fc.boolean(),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ kind: kind('complete'), picks: fc.array(pick, { maxLength: 3 }) }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: kind('fail'),
      pick,
      retryable: fc.boolean(),
      delayMs,
      message: text,
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: kind('snooze'), pick, delayMs }) },
  { weight: 2, arbitrary: fc.record({ kind: kind('release'), pick }) },
  { weight: 3, arbitrary: fc.record({ kind: kind('cancel'), pick }) },
  { weight: 5, arbitrary: fc.record({ kind: kind('retry'), pick, delayMs }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: kind('reschedule'),
      pick,
      runAtMs: fc.constantFrom(1, 1_700_000_000_123, 4_102_444_800_999),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: kind('edit'),
      pick,
      changes: fc.record(
        {
          priority: fc.integer({ min: 0, max: 9 }),
          maxAttempts: fc.integer({ min: 1, max: 9 }),
          tags,
          timeoutMs: fc.constantFrom(null, 5_000),
        },
        { requiredKeys: [] },
      ),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: kind('move'), pick, queue }) },
  { weight: 2, arbitrary: fc.record({ kind: kind('erase-payload'), pick }) },
  { weight: 1, arbitrary: fc.record({ kind: kind('expire') }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: kind('crash'), times: fc.integer({ min: 1, max: 6 }) }),
  },
);

/** Plays moves by the real commands. What a move picks may refuse it; that is part of it. */
export async function play(db: TestDatabase, moves: readonly Move[]): Promise<void> {
  const { context, database } = db;
  const ids: string[] = [];
  const claims: ClaimedJob[] = [];
  const dead: string[] = [];
  let session = await db.openSession();
  // The newest are picked, so that one job meets many moves.
  const idAt = (index: number) => {
    const recent = [
      ...claims.slice(0, 5).map(({ id }) => id),
      ...dead.slice(0, 2),
      ...ids.slice(0, 8),
    ];
    return recent[index % Math.max(recent.length, 1)];
  };
  const claimAt = (index: number) => claims[index % Math.min(Math.max(claims.length, 1), 6)];
  const change = async (index: number, command: JobChange['command']) => {
    const id = idAt(index);
    if (id !== undefined) await changeJobs(context, [{ id, command }]);
  };
  const end = async (index: number, command: object) => {
    const claim = claimAt(index);
    if (claim === undefined) return;
    const { id, leaseToken } = claim;
    const ends = [{ id, command: { ...command, leaseToken } as never }];
    const [outcome] = await endAttempts(context, ends);
    if (outcome?.state?.status === 'dead') dead.unshift(id);
  };
  const claim = async (from: string, limit: number, suspects: boolean) => {
    const request = { queue: from, session, limit, suspects, maxBytes: 1e6 };
    const claimed = await claimJobs(context, { ...request, cursorsMs: fromTheFront });
    claims.unshift(...claimed);
    return claimed;
  };
  const expire = async () => {
    await database.run(lapseSessions, {});
    // Once to end the sessions, once to settle them.
    await database.run(expireClaims, { limit: 1_000 });
    await database.run(expireClaims, { limit: 1_000 });
    session = await db.openSession();
  };

  for (const each of moves) {
    switch (each.kind) {
      case 'submit': {
        const made = await submitJobs(context, each.jobs);
        ids.unshift(...made.map(({ id }) => id));
        break;
      }
      case 'claim':
        await claim(each.queue, each.limit, each.suspects);
        break;
      case 'complete': {
        const chosen = each.picks.flatMap((index) => claimAt(index) ?? []);
        // One claim of a job at a time: its newest, or one that is lost.
        const apart = new Map(chosen.map(({ id, leaseToken }) => [id, leaseToken]));
        await completeJobs(
          context,
          [...apart].map(([id, leaseToken]) => ({ id, leaseToken, result: 'done' })),
        );
        break;
      }
      case 'fail': {
        const error = { name: 'TypeError', message: each.message, stack: 'at x' };
        const { retryable, delayMs: wait } = each;
        await end(each.pick, { kind: 'fail', error, retryable, delayMs: wait });
        break;
      }
      case 'snooze':
        await end(each.pick, { kind: 'snooze', delayMs: each.delayMs });
        break;
      case 'release':
        await end(each.pick, { kind: 'release' });
        break;
      case 'cancel':
        await change(each.pick, { kind: 'cancel', reason: 'asked for' });
        break;
      case 'retry': {
        const id = each.pick % 2 === 0 ? dead[0] : idAt(each.pick);
        const command = { kind: 'retry' as const, reason: 'again', delayMs: each.delayMs };
        if (id !== undefined) await changeJobs(context, [{ id, command }]);
        break;
      }
      case 'reschedule':
        await change(each.pick, { kind: 'reschedule', runAtMs: each.runAtMs, reason: null });
        break;
      case 'edit':
        await change(each.pick, { kind: 'edit', changes: each.changes, reason: null });
        break;
      case 'move':
        await change(each.pick, { kind: 'move', queue: each.queue, reason: null });
        break;
      case 'erase-payload': {
        const id = idAt(each.pick) ?? '';
        const job = (await loadJobs(database, 1, [id])).get(id);
        if (job?.state.status !== 'waiting') break;
        await changeJobs(context, [{ id, command: { kind: 'erase-payload', reason: null } }]);
        break;
      }
      case 'expire':
        await expire();
        break;
      case 'crash':
        for (let time = 0; time < each.times; time += 1) {
          for (const name of queues) {
            const [suspect] = await claim(name, 1, true);
            if (suspect === undefined) continue;
            const { id: jobId, leaseToken } = suspect;
            await database.run(markStart, { tenantId: 1, jobId, leaseToken });
          }
          await expire();
        }
        break;
    }
  }
}

const lapseSessions = defineStatement<Record<string, never>, never>({
  name: 'test-lapse-sessions',
  sql: (schema) => `
    update ${schema}.worker_sessions set lease_until = lease_until - interval '1 day'
    where ended_at is null`,
  values: () => [],
});
