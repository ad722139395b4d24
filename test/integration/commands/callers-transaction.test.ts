import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { changeJobs } from '../../../src/commands/change/change-jobs.ts';
import { submitJobs } from '../../../src/commands/submit/submit-jobs.ts';
import type { NewJob } from '../../../src/domain/job/new-job.ts';
import { load, story } from '../../support/job-steps.ts';
import { untilWaiting } from '../../support/postgres-activity.ts';
import { createTestDatabase, type TestDatabase } from '../../support/test-database.ts';

let db: TestDatabase;
let client: pg.Client;
beforeAll(async () => {
  db = await createTestDatabase({ poolSize: 20 });
  await db.database.pool.query(`create table ${db.schema}.orders (id serial primary key)`);
});
afterAll(() => db.drop());
beforeEach(async () => {
  client = await db.connectCaller();
  await client.query('begin');
});

const submit = (job: Partial<NewJob>) => submitJobs(db.context, [{ type: 'x', ...job }]);
const submitInside = async (job: Partial<NewJob>) => {
  const [first] = await submitJobs(db.context, [{ type: 'x', ...job }], { client });
  return first?.id ?? '';
};
const order = () => client.query('insert into orders default values');
const orders = async () => {
  const { rows } = await db.database.pool.query<{ count: number }>(
    `select count(*)::int as count from ${db.schema}.orders`,
  );
  return rows[0]?.count ?? 0;
};
const exists = (id: string) =>
  load(db, id).then(
    () => true,
    () => false,
  );
const lockTimeout = async () => {
  const { rows } = await client.query<{ lock_timeout: string }>('show lock_timeout');
  return rows[0]?.lock_timeout;
};

describe('a job submitted in a caller’s transaction', () => {
  it('is there with the commit, and not before', async () => {
    const id = await submitInside({});
    expect(await exists(id)).toBe(false);
    await client.query('commit');
    expect(await exists(id)).toBe(true);
  });

  it('is gone with the rollback, and its keys are free', async () => {
    const id = await submitInside({ idempotencyKey: 'undone', uniqueKey: 'undone' });
    await client.query('rollback');
    expect(await exists(id)).toBe(false);
    const [again] = await submit({ idempotencyKey: 'undone', uniqueKey: 'undone' });
    expect(again?.replayed).toBe(false);
  });

  it('leaves its queue behind, so that nobody waits for the caller', async () => {
    await submitInside({ queue: 'made-inside', type: 'made-inside' });
    const [outside] = await submit({ queue: 'made-inside', type: 'made-inside' });
    await client.query('rollback');
    expect(await exists(outside?.id ?? '')).toBe(true);
  });

  it('can be changed there', async () => {
    const id = await submitInside({});
    const command = { kind: 'cancel' as const, reason: 'changed my mind' };
    const [outcome] = await changeJobs(db.context, [{ id, command }], { client, actor: 'me' });
    expect(outcome?.state?.status).toBe('cancelled');
    await client.query('commit');
    expect(await story(db, id)).toEqual(['JobSubmitted', 'JobCancelled']);
  });
});

describe('a refused key', () => {
  it.each([
    ['unique-key-held', { uniqueKey: 'held' }, { uniqueKey: 'held' }],
    [
      'idempotency-key-reused',
      { idempotencyKey: 'used' },
      { idempotencyKey: 'used', payload: 'another' },
    ],
  ] as const)('(%s) leaves the caller’s transaction as it was', async (code, first, second) => {
    await submit(first);
    const before = await orders();
    await order();
    const kept = await submitInside({ uniqueKey: `kept beside ${code}` });
    await expect(submitInside(second)).rejects.toMatchObject({ code });
    expect(await lockTimeout()).toBe('0');
    await order();
    await client.query('commit');
    expect(await orders()).toBe(before + 2);
    expect(await exists(kept)).toBe(true);
  });

  it('answers the job that an earlier submission made', async () => {
    const [first] = await submit({ idempotencyKey: 'replayed' });
    expect(await submitInside({ idempotencyKey: 'replayed' })).toBe(first?.id);
    await client.query('commit');
  });

  it('(key-busy) leaves the caller’s transaction as it was, when another one holds it', async () => {
    const other = await db.connectCaller();
    await other.query('begin');
    await submitJobs(db.context, [{ type: 'x', uniqueKey: 'busy', idempotencyKey: 'busy' }], {
      client: other,
    });
    await client.query("set local lock_timeout = '7s'");
    await order();
    const before = await orders();
    for (const key of [{ uniqueKey: 'busy' }, { idempotencyKey: 'busy' }]) {
      await expect(submitInside(key)).rejects.toMatchObject({ code: 'key-busy' });
      await expect(submit(key)).rejects.toMatchObject({ code: 'key-busy' });
    }
    expect(await lockTimeout()).toBe('7s');
    await client.query('commit');
    await other.query('commit');
    expect(await orders()).toBe(before + 1);
  });

  it('is waited for until the other transaction ends', async () => {
    const other = await db.connectCaller();
    await other.query('begin');
    const [first] = await submitJobs(db.context, [{ type: 'x', idempotencyKey: 'soon' }], {
      client: other,
    });
    const second = submitInside({ idempotencyKey: 'soon' });
    await untilWaiting(db, 'daybook:claim-keys');
    await other.query('commit');
    expect(await second).toBe(first?.id);
    await client.query('commit');
  });
});

describe('the caller’s lock_timeout', () => {
  it.each(['0', '1234ms', '7s', '3min'])(
    'of %s is as it was after a keyed submission',
    async (own) => {
      await client.query(`set local lock_timeout = '${own}'`);
      await submitInside({ uniqueKey: `timeout ${own}` });
      expect(await lockTimeout()).toBe(own);
      await client.query('commit');
    },
  );

  it('of the session is as it was, too', async () => {
    await client.query('commit');
    await client.query("set lock_timeout = '9s'");
    await client.query('begin');
    await submitInside({ uniqueKey: 'session' });
    await client.query('commit');
    expect(await lockTimeout()).toBe('9s');
  });
});

describe('the caller’s own settings', () => {
  it.each([
    "datestyle = 'SQL, DMY'",
    "datestyle = 'German'",
    "timezone = 'Asia/Kolkata'",
    "timezone = 'America/St_Johns'",
    "bytea_output = 'escape'",
    "intervalstyle = 'sql_standard'",
  ])('(%s) change no time and no body', async (setting) => {
    await client.query(`set local ${setting}`);
    const key = { idempotencyKey: setting, payload: { n: 1 } };
    const id = await submitInside(key);
    const command = { kind: 'retry' as const, reason: null, delayMs: 60_000 };
    await changeJobs(db.context, [{ id, command }], { client });
    expect(await submitInside(key)).toBe(id);
    await client.query('commit');
    const { events, state } = await load(db, id);
    const [submitted, retried] = events.map(({ occurredAtMs }) => occurredAtMs);
    expect(retried).toBeGreaterThanOrEqual(submitted ?? Number.NaN);
    expect(state.runAtMs).toBeGreaterThanOrEqual((submitted ?? Number.NaN) + 60_000);
  });
});
