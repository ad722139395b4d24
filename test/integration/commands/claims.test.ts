import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { changeQueue } from '../../../src/commands/change/change-queue.ts';
import { fromTheFront } from '../../../src/commands/work/claim-jobs.ts';
import { completeJobs } from '../../../src/commands/work/complete-jobs.ts';
import { submitJobs } from '../../../src/commands/submit/submit-jobs.ts';
import { beatSession } from '../../../src/store/statements/beat-session.ts';
import { endSession } from '../../../src/store/statements/end-session.ts';
import { claim, expire, lapse, load, submitMany, submitOne } from '../../support/job-steps.ts';
import { createTestDatabase, newId, type TestDatabase } from '../../support/test-database.ts';

let db: TestDatabase;
let session: string;
beforeAll(async () => {
  db = await createTestDatabase();
  session = await db.openSession();
});
afterAll(() => db.drop());

const HOUR = 3_600_000;

describe('jobs are claimed', () => {
  it('by priority, then by the time they are due, then by id', async () => {
    const queue = 'order';
    const now = Date.now();
    const jobs = Array.from({ length: 200 }, (_, index) => ({
      type: 'x',
      queue,
      priority: (index * 7) % 10,
      runAtMs: now - 1_000 * ((index * 13) % 7) - HOUR,
    }));
    const ids = (await submitJobs(db.context, jobs)).map(({ id }) => id);
    const wanted = jobs
      .map((job, index) => ({ ...job, id: ids[index] ?? '' }))
      .toSorted(
        (a, b) => a.priority - b.priority || a.runAtMs - b.runAtMs || (a.id < b.id ? -1 : 1),
      );
    const claimed = [];
    for (const limit of [1, 9, 90, 500])
      claimed.push(...(await claim(db, session, { queue, limit })));
    expect(claimed.map(({ id }) => id)).toEqual(wanted.map(({ id }) => id));
  });

  it('when they are due: those for later never stand in the way', async () => {
    const queue = 'later';
    for (const priority of [0, 4, 9]) await submitMany(db, 500, { queue, priority, delayMs: HOUR });
    const due = await submitOne(db, { queue, priority: 9 });
    const claimed = await claim(db, session, { queue, limit: 10 });
    expect(claimed.map(({ id }) => id)).toEqual([due]);
  });

  it('from where the cursor of their priority stands', async () => {
    const queue = 'cursor';
    const now = Date.now();
    await submitOne(db, { queue, priority: 1, runAtMs: now - HOUR });
    const near = await submitOne(db, { queue, priority: 1, runAtMs: now - 1_000 });
    const front = await submitOne(db, { queue, priority: 2, runAtMs: now - HOUR });
    const cursorsMs = fromTheFront.with(1, now - 2_000);
    const claimed = await claim(db, session, { queue, cursorsMs });
    expect(claimed.map(({ id }) => id)).toEqual([near, front]);
    expect(await claim(db, session, { queue })).toHaveLength(1);
  });

  it('up to a limit of jobs and of bytes, and at least one', async () => {
    const queue = 'bytes';
    await submitMany(db, 10, { queue, payload: 'x'.repeat(998) });
    expect(await claim(db, session, { queue, limit: 2 })).toHaveLength(2);
    expect(await claim(db, session, { queue, maxBytes: 3_000 })).toHaveLength(3);
    expect(await claim(db, session, { queue, maxBytes: 2_001 })).toHaveLength(3);
    expect(await claim(db, session, { queue, maxBytes: 1 })).toHaveLength(1);
    expect(await claim(db, session, { queue, limit: 0 })).toHaveLength(0);
  });

  it('once each, by many at the same moment', async () => {
    const queue = 'crowd';
    await submitMany(db, 3_000, { queue });
    const worker = async () => {
      const own: string[] = [];
      for (;;) {
        const jobs = await claim(db, session, { queue, limit: 37 });
        if (jobs.length === 0) return own;
        own.push(...jobs.map(({ id }) => id));
      }
    };
    const claimed = await Promise.all(Array.from({ length: 8 }, () => worker()));
    expect(new Set(claimed.flat()).size).toBe(3_000);
    expect(claimed.flat()).toHaveLength(3_000);
    expect(claimed.filter((own) => own.length > 0).length).toBeGreaterThan(1);
  });

  it('around those that another transaction holds', async () => {
    const queue = 'around';
    const ids = await submitMany(db, 5, { queue });
    const client = await db.connect();
    await client.query('begin');
    await client.query('select from job_claims where id = any ($1) for update', [ids.slice(0, 2)]);
    const claimed = await claim(db, session, { queue });
    expect(claimed.map(({ id }) => id)).toEqual(ids.slice(2));
    await client.query('rollback');
  });

  it('with all that a handler needs', async () => {
    const job = { queue: 'whole', priority: 7, timeoutMs: 5, maxAttempts: 3, tags: ['a'] };
    const payload = { deep: [1, null, 'ü'] };
    const id = await submitOne(db, { ...job, payload, correlationId: 'c' });
    const [claimed] = await claim(db, session, { queue: 'whole' });
    const { state } = await load(db, id);
    expect(claimed).toEqual({
      id,
      queue: 'whole',
      type: 'x',
      payload,
      payloadBytes: Buffer.byteLength(JSON.stringify(payload)),
      leaseToken: state.lease?.token,
      version: state.version,
      attempt: 1,
      maxAttempts: 3,
      priority: 7,
      timeoutMs: 5,
      suspect: false,
      runAtMs: state.runAtMs,
      submittedAtMs: state.submittedAtMs,
      claimedAtMs: state.lease?.claimedAtMs,
      correlationId: 'c',
      tags: ['a'],
    });
    expect(state.lease).toMatchObject({ session, attempt: 1 });
  });
});

describe('nothing is claimed', () => {
  it('from a paused queue, until it is resumed', async () => {
    const queue = 'paused';
    await submitOne(db, { queue });
    await changeQueue(db.context, queue, { kind: 'pause', reason: null });
    expect(await claim(db, session, { queue })).toEqual([]);
    await changeQueue(db.context, queue, { kind: 'resume', reason: null });
    expect(await claim(db, session, { queue })).toHaveLength(1);
  });

  it('by a session that has ended, that has lapsed, or that never was', async () => {
    const queue = 'sessions';
    await submitMany(db, 2, { queue });
    const [ended, lapsed] = [await db.openSession(), await db.openSession()];
    await db.database.run(endSession, { tenantId: 1, session: ended });
    await lapse(db, lapsed);
    for (const dead of [ended, lapsed, newId()]) {
      expect(await claim(db, dead, { queue })).toEqual([]);
    }
    // A beat in time, and the session lives on; one that has ended does not beat any more.
    expect(await db.database.run(beatSession, { tenantId: 1, session: lapsed })).toHaveLength(1);
    expect(await claim(db, lapsed, { queue, limit: 1 })).toHaveLength(1);
    expect(await db.database.run(beatSession, { tenantId: 1, session: ended })).toHaveLength(0);
  });

  it('from a queue that does not exist', async () => {
    await expect(claim(db, session, { queue: 'no-such-queue' })).rejects.toMatchObject({
      code: 'queue-not-found',
    });
  });
});

describe('suspects', () => {
  it('are claimed one at a time, apart from all others', async () => {
    const queue = 'suspects';
    const ids = await submitMany(db, 5, { queue });
    const crashing = await db.openSession();
    await claim(db, crashing, { queue });
    await lapse(db, crashing);
    expect(await expire(db)).toBe(5);
    const [healthy] = await submitMany(db, 1, { queue });
    const others = await claim(db, session, { queue });
    expect(others.map(({ id }) => id)).toEqual([healthy]);
    const suspects = [];
    for (;;) {
      const claimed = await claim(db, session, { queue, suspects: true, limit: 100 });
      if (claimed.length === 0) break;
      expect(claimed).toMatchObject([{ suspect: true }]);
      suspects.push(...claimed);
    }
    expect(suspects.map(({ id }) => id)).toEqual(ids);
    const outcomes = await completeJobs(db.context, suspects);
    expect(outcomes.every(({ outcome }) => outcome === 'recorded')).toBe(true);
  });
});
