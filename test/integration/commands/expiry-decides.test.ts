import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { decideJob } from '../../../src/domain/job/decide.ts';
import { evolveJob } from '../../../src/domain/job/evolve.ts';
import type { RecordedJobEvent } from '../../../src/domain/job/events.ts';
import { type JobState, maxCrashes } from '../../../src/domain/job/state.ts';
import { decodeEvent } from '../../../src/store/event-codec.ts';
import { defineStatement } from '../../../src/store/statement.ts';
import type { EventRow } from '../../../src/store/statements/read-streams.ts';
import { rowsFromState, rowsInTables } from '../../support/claim-rows.ts';
import { expire, lapse, submitOne } from '../../support/job-steps.ts';
import { createTestDatabase, newId, type TestDatabase } from '../../support/test-database.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
  await submitOne(db);
});
afterAll(() => db.drop());

/** A running job, in any state that a history could have led to and in some that none could. */
const running = fc
  .record({
    version: fc.integer({ min: 2, max: 1_000_000 }),
    failures: fc.nat(5),
    maxAttempts: fc.integer({ min: 1, max: 1_000 }),
    priority: fc.nat(9),
    crashes: fc.nat(maxCrashes - 1),
    suspect: fc.boolean(),
    startMarked: fc.boolean(),
    // As often as not, because only those without one can die.
    cancelRequested: fc.option(fc.record({ reason: fc.constantFrom(null, 'stop', '"') }), {
      freq: 2,
    }),
    claimedAgoMs: fc.integer({ min: -5_000, max: 100_000 }),
    timeoutMs: fc.option(fc.nat()),
    uniqueKey: fc.boolean(),
    correlation: fc.constantFrom(null, 'c'),
    tags: fc.constantFrom([], ['a', 'b']),
  })
  .map(({ startMarked, claimedAgoMs, uniqueKey, ...own }) => {
    const id = newId();
    const claimedAtMs = Date.now() - claimedAgoMs;
    const state: JobState = {
      ...own,
      id,
      queue: 'default',
      type: 'x',
      status: 'running',
      runAtMs: claimedAtMs - 1_000,
      submittedAtMs: claimedAtMs - 2_000,
      retryPolicy: { kind: 'custom' },
      uniqueKey: uniqueKey ? id : null,
      payloadHash: '',
      payloadBytes: 3,
      payloadErased: false,
      retrying: false,
      lease: { token: newId(), session: newId(), attempt: 1, claimedAtMs },
      lastOutcome: null,
      startedAtMs: claimedAtMs,
      endedAtMs: null,
      lastError: null,
      resultHash: null,
      deadReason: null,
      cancelReason: null,
      replayOf: null,
    };
    return { state, startMarked };
  });

const insertClaim = defineStatement<{ readonly row: unknown }, never>({
  name: 'insert-claim',
  sql: (schema) => `
    insert into ${schema}.job_claims
    select (jsonb_populate_record(null::${schema}.job_claims, $1::jsonb)).*`,
  values: ({ row }) => [JSON.stringify(row)],
});

const readInbox = defineStatement<{ readonly ids: readonly string[] }, EventRow>({
  name: 'read-inbox',
  sql: (schema) => `
    select null as position, 1 as epoch, 'default' as queue, i.* from ${schema}.event_inbox i
    where stream_id = any ($1) order by stream_id, version`,
  values: ({ ids }) => [ids],
});

const iso = (ms: number) => new Date(ms).toISOString();

async function insertRunning(state: JobState, startMarked: boolean): Promise<void> {
  const { claim } = await rowsFromState(db.context.names, state);
  const times = { run_at: state.runAtMs, submitted_at: state.submittedAtMs };
  await db.database.run(insertClaim, {
    row: {
      ...claim,
      start_marked: startMarked,
      run_at: iso(times.run_at),
      submitted_at: iso(times.submitted_at),
      claimed_at: iso(state.lease?.claimedAtMs ?? 0),
    },
  });
}

it('the expiry of any claim row is what decideJob says', async () => {
  const met = new Set<string>();
  // One of each batch dies, for chance does not always bring one.
  const doomed = running.map(({ state }) => ({
    state: { ...state, suspect: true, crashes: maxCrashes - 1, cancelRequested: null },
    startMarked: true,
  }));
  const batches = fc
    .tuple(doomed, fc.array(running, { minLength: 20, maxLength: 20 }))
    .map(([one, others]) => [one, ...others]);
  await fc.assert(
    fc.asyncProperty(batches, async (jobs) => {
      const session = await db.openSession();
      const held = jobs.map(({ state, startMarked }) => {
        const lease = state.lease === null ? null : { ...state.lease, session };
        return { state: { ...state, lease }, startMarked };
      });
      for (const { state, startMarked } of held) await insertRunning(state, startMarked);
      await lapse(db, session);
      expect(await expire(db)).toBe(jobs.length);
      const ids = held.map(({ state }) => state.id);
      const rows = await db.database.run(readInbox, { ids });
      for (const { state, startMarked } of held) {
        const command = { kind: 'expire' as const, startMarked };
        const { events } = decideJob(state, command, { nowMs: 0, random: 0 });
        const got = rows.filter((row) => row.stream_id === state.id).map((row) => decodeEvent(row));
        expect(got.map((event) => event && { type: event.type, data: event.data })).toEqual(events);
        let folded = state;
        for (const event of got) folded = evolveJob(folded, event as RecordedJobEvent);
        const expected = await rowsFromState(db.context.names, folded);
        expect(await rowsInTables(db, state.id)).toEqual(expected);
        expect(folded.runAtMs).toBeGreaterThanOrEqual(state.runAtMs);
        for (const event of got) {
          expect(event?.occurredAtMs).toBeGreaterThanOrEqual(state.lease?.claimedAtMs ?? 0);
        }
        met.add(folded.status);
      }
    }),
    { numRuns: 15 },
  );
  expect([...met].toSorted()).toEqual(['cancelled', 'dead', 'waiting']);
});
