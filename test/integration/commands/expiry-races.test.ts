import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { completeJobs } from '../../../src/commands/work/complete-jobs.ts';
import { fromTheFront } from '../../../src/commands/work/claim-jobs.ts';
import type { Statement } from '../../../src/store/statement.ts';
import { claimJobs } from '../../../src/store/statements/claim-jobs.ts';
import { endSession } from '../../../src/store/statements/end-session.ts';
import { expireClaims } from '../../../src/store/statements/expire-claims.ts';
import { claim, claimOne, expire, lapse, load, submitOne } from '../../support/job-steps.ts';
import { untilWaiting } from '../../support/postgres-activity.ts';
import { createTestDatabase, type TestDatabase } from '../../support/test-database.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase({ poolSize: 20 });
});
afterAll(() => db.drop());

/** A statement that, with its snapshot taken, stops in front of `place` until the gate opens. */
function stoppedAt<Params, Row>(
  statement: Statement<Params, Row>,
  place: string,
  gate = 1,
): Statement<Params, Row> {
  const sql = (schema: string) => {
    const text = statement.sql(schema);
    expect(text.split(place)).toHaveLength(2);
    return text.replace(
      place,
      `(select true from pg_advisory_xact_lock_shared(${gate})) and ${place}`,
    );
  };
  return { ...statement, name: `stopped ${statement.name}`, sql };
}

/** Whatever is `stoppedAt` a place stops there until `open` is called. */
async function closeGate(gate = 1) {
  const keeper = await db.connect();
  await keeper.query('select pg_advisory_lock($1)', [gate]);
  return { open: () => keeper.query('select pg_advisory_unlock($1)', [gate]) };
}

const anyOne = { tenantId: 1, suspects: false, limit: 1, maxBytes: 1, cursorsMs: fromTheFront };

/** A claim that was made, but whose transaction is still open. */
async function openClaim(queue: string, session: string) {
  const id = await submitOne(db, { queue });
  const client = await db.connect();
  const queueId = await db.context.names.queueId(queue);
  await client.query('begin');
  const request = {
    tenantId: 1,
    queueId,
    session,
    suspects: false,
    limit: 1,
    maxBytes: 1,
    cursorsMs: fromTheFront,
  };
  const claimed = await db.database.on(client).run(claimJobs, request);
  expect(claimed.map((job) => job.id)).toEqual([id]);
  return { id, commit: () => client.query('commit') };
}

/** Takes everything back that there is to take, and tells what became of the job. */
async function afterExpiry(id: string): Promise<string> {
  for (let round = 0; round < 3; round += 1) await expire(db);
  return (await load(db, id)).state.status;
}

const stoppedExpiry = stoppedAt(expireClaims, 'not s.settled and');
describe('a claim that is being made', () => {
  it('while its session lapses is not orphaned: the caretaker goes round it', async () => {
    const session = await db.openSession();
    const open = await openClaim('a', session);
    await lapse(db, session);
    expect(await expire(db)).toBe(0);
    expect(await expire(db)).toBe(0);
    await open.commit();
    expect(await afterExpiry(open.id)).toBe('waiting');
  });

  it('while its session lapses is not orphaned: it commits between snapshot and lock', async () => {
    const session = await db.openSession();
    const open = await openClaim('b', session);
    await lapse(db, session);
    const gate = await closeGate();
    const expiring = db.database.run(stoppedExpiry, { limit: 100 });
    await untilWaiting(db, 'daybook:stopped expire-claims');
    await open.commit();
    await gate.open();
    expect(await expiring).toEqual([{ expired: 0, ended: [] }]);
    expect(await afterExpiry(open.id)).toBe('waiting');
  });

  it('while its session is ended is not orphaned: it commits between snapshot and lock', async () => {
    const session = await db.openSession();
    const open = await openClaim('c', session);
    const ending = db.database.run(endSession, { tenantId: 1, session });
    await Promise.race([ending, untilWaiting(db, 'daybook:end-session')]);
    const gate = await closeGate();
    const expiring = db.database.run(stoppedExpiry, { limit: 100 });
    await untilWaiting(db, 'daybook:stopped expire-claims');
    await open.commit();
    await ending;
    await gate.open();
    await expiring;
    expect(await afterExpiry(open.id)).toBe('waiting');
  });

  it('is not orphaned by a second caretaker, who saw neither the claim nor the first one', async () => {
    const session = await db.openSession();
    const open = await openClaim('two', session);
    await lapse(db, session);
    const gates = [await closeGate(1), await closeGate(2)];
    const caretakers = [1, 2].map((gate) =>
      db.database.run(stoppedAt(expireClaims, 'not s.settled and', gate), { limit: 100 }),
    );
    await untilWaiting(db, 'daybook:stopped expire-claims', 2);
    await open.commit();
    for (const [index, caretaker] of caretakers.entries()) {
      await gates[index]?.open();
      expect(await caretaker).toEqual([{ expired: 0, ended: [] }]);
    }
    expect(await afterExpiry(open.id)).toBe('waiting');
  });

  it('after the session was found lapsed makes none', async () => {
    const session = await db.openSession();
    const id = await submitOne(db, { queue: 'd' });
    const stoppedClaim = stoppedAt(
      claimJobs,
      's.id = $2 and s.tenant_id = $7 and s.ended_at is null',
    );
    const gate = await closeGate();
    const queueId = await db.context.names.queueId('d');
    const claiming = db.database.run(stoppedClaim, { ...anyOne, queueId, session });
    await untilWaiting(db, 'daybook:stopped claim-jobs');
    await lapse(db, session);
    await expire(db);
    await gate.open();
    expect(await claiming).toEqual([]);
    expect((await load(db, id)).state.status).toBe('waiting');
  });
});

describe('an outcome that races with expiry', () => {
  it('comes first: the job is completed, and nothing is taken back', async () => {
    const job = await claimOne(db);
    await lapse(db, job.session);
    const gate = await closeGate();
    const expiring = db.database.run(stoppedExpiry, { limit: 100 });
    await untilWaiting(db, 'daybook:stopped expire-claims');
    expect(await completeJobs(db.context, [job])).toMatchObject([{ outcome: 'recorded' }]);
    await gate.open();
    expect(await expiring).toEqual([{ expired: 0, ended: [] }]);
    expect(await afterExpiry(job.id)).toBe('completed');
  });

  it('comes second: the lease is lost', async () => {
    const job = await claimOne(db);
    await lapse(db, job.session);
    expect(await expire(db)).toBe(1);
    expect(await completeJobs(db.context, [job])).toMatchObject([{ outcome: 'lease-lost' }]);
    const [again] = await claim(db, await db.openSession(), { queue: job.queue, suspects: true });
    expect(again?.leaseToken).not.toBe(job.leaseToken);
  });
});

describe('many caretakers at once', () => {
  it('take each job back once', async () => {
    const queue = 'caretakers';
    const ids = await Promise.all(Array.from({ length: 50 }, () => submitOne(db, { queue })));
    const sessions = await Promise.all(ids.map(() => db.openSession()));
    for (const session of sessions) await claim(db, session, { queue, limit: 1 });
    await lapse(db, ...sessions);
    const rounds = await Promise.all(Array.from({ length: 20 }, () => expire(db, 7)));
    let expired = rounds.reduce((sum, count) => sum + count, 0);
    for (let round = 0; round < 20; round += 1) expired += await expire(db, 7);
    expect(expired).toBe(50);
    for (const id of ids)
      expect((await load(db, id)).state).toMatchObject({ version: 3, suspect: true });
  });
});
