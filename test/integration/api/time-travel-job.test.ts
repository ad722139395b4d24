import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { changeJobs } from '../../../src/commands/change/change-jobs.ts';
import { completeJobs } from '../../../src/commands/work/complete-jobs.ts';
import { sequenceAll } from '../../support/log-steps.ts';
import { claimOne, submitOne } from '../../support/job-steps.ts';
import { createTestApi, type TestApi } from './api-server.ts';

let api: TestApi;
beforeAll(async () => {
  api = await createTestApi();
});
afterAll(async () => {
  await api.close();
});

/** Where the log ends, and when its last batch came. */
async function head(): Promise<{ position: string; time: string }> {
  await sequenceAll(api.db.database);
  const { rows } = await api.db.database.pool.query(
    `select last_position, recorded_at from ${api.db.schema}.log_batches
     order by last_position desc limit 1`,
  );
  return { position: rows[0].last_position, time: rows[0].recorded_at.toISOString() };
}

/** A time that is not the one before. */
async function later(): Promise<void> {
  const { time } = await head();
  await expect.poll(() => Date.now()).toBeGreaterThan(Date.parse(time) + 2);
}

describe('before the log has begun', () => {
  it('there is no moment to ask for', async () => {
    const path = '/v1/jobs/01a20140-a356-775a-94ad-ec0098a8355a';
    const now = new Date(Date.now() - 1_000).toISOString();
    const time = await api.get(`${path}?at=${now}`);
    expect(time).toMatchObject({ status: 400, body: { code: 'moment-before-log' } });
    const position = await api.get(`${path}?at=1`);
    expect(position).toMatchObject({ status: 400, body: { code: 'moment-in-future', head: '0' } });
  });
});

describe('GET /v1/jobs/{id}?at=', () => {
  it('tells a job as it was, by position and by time', async () => {
    await submitOne(api.db);
    const unborn = await head();
    await later();
    const job = await claimOne(api.db, { type: 'x', queue: 'travel', payload: { a: 1 } });
    const { id, leaseToken } = job;
    const running = await head();
    await later();
    await completeJobs(api.db.context, [{ id, leaseToken, result: { ok: true } }]);
    const done = await head();
    const claimed = BigInt(running.position);

    const at = (moment: unknown) => api.get(`/v1/jobs/${id}?at=${String(moment)}`);
    expect(await at(unborn.position)).toMatchObject({
      status: 404,
      body: { code: 'job-not-found' },
    });
    expect((await at(unborn.time)).status).toBe(404);
    expect((await at(claimed - 1n)).body).toMatchObject({
      state: 'ready',
      version: 1,
      session: null,
      attempts: [],
      payload: { a: 1 },
      token: `1.${id}.1`,
      asOf: { position: String(claimed - 1n) },
    });
    const atClaim = {
      state: 'running',
      version: 2,
      session: job.session,
      attempts: [{ outcome: 'running' }],
      result: null,
      asOf: running,
    };
    expect((await at(running.position)).body).toMatchObject(atClaim);
    expect((await at(running.time)).body).toMatchObject(atClaim);
    const between = new Date(Date.parse(running.time) + 1).toISOString();
    expect((await at(between)).body).toMatchObject({
      ...atClaim,
      asOf: { position: running.position, time: between },
    });
    expect((await at(done.position)).body).toMatchObject({
      state: 'completed',
      result: { ok: true },
      asOf: done,
    });
    expect((await api.get(`/v1/jobs/${id}`)).body).not.toHaveProperty('asOf');
  });

  it('takes what was due from the moment, and not from now', async () => {
    const id = await submitOne(api.db, { delayMs: 30 });
    const due = Date.parse((await api.get(`/v1/jobs/${id}`)).body.runAt);
    const { position } = await head();
    const time = new Date(due - 1).toISOString();
    // As it would be if this had taken no time.
    await api.db.database.pool.query(
      `update ${api.db.schema}.log_batches set recorded_at = $1 where last_position = $2`,
      [time, position],
    );
    await expect.poll(() => Date.now()).toBeGreaterThan(due + 1);
    const stateAt = async (at: string) => (await api.get(`/v1/jobs/${id}?at=${at}`)).body.state;
    expect(await stateAt(position)).toBe('scheduled');
    expect(await stateAt(time)).toBe('scheduled');
    // Nothing came into the log since, but its time has come.
    expect(await stateAt(new Date(due).toISOString())).toBe('ready');
  });

  it('does not show a payload that was another one then', async () => {
    const id = await submitOne(api.db, { payload: { first: true } });
    const before = await head();
    const text = '{"second":true}';
    const changes = { payloadHash: 'f'.repeat(64), payloadBytes: text.length };
    await changeJobs(api.db.context, [
      { id, command: { kind: 'edit', changes, reason: null }, payload: text },
    ]);
    const after = await head();
    const payloadAt = async (at: string) => (await api.get(`/v1/jobs/${id}?at=${at}`)).body.payload;
    expect(await payloadAt(before.position)).toBeNull();
    expect(await payloadAt(after.position)).toEqual({ second: true });
  });
});

describe('a moment that is none', () => {
  const path = '/v1/jobs/01a20140-a356-775a-94ad-ec0098a8355a';
  const refused: [string, string, object][] = [
    ['a position that is not there yet', '1000000', { code: 'moment-in-future' }],
    ['the highest position', '9223372036854775807', { code: 'moment-in-future' }],
    ['a number beyond it', '9999999999999999999', { code: 'moment-in-future' }],
    ['position 0', '0', { code: 'moment-before-log' }],
    ['a time in the future', '2999-01-01T00:00:00Z', { code: 'moment-in-future' }],
    ['a time before the log', '1990-01-01T00:00:00Z', { code: 'moment-before-log' }],
    ['a negative position', '-1', { code: 'invalid-request' }],
    ['a number with a fraction', '1.5', { code: 'invalid-request' }],
    ['a date without a time', '2026-01-01', { code: 'invalid-request' }],
    ['no text', '', { code: 'invalid-request' }],
    ['words', 'yesterday', { code: 'invalid-request' }],
  ];

  it.each(refused)('is refused: %s', async (_what, at, body) => {
    expect(await api.get(`${path}?at=${at}`)).toMatchObject({ status: 400, body });
  });

  it('cannot be waited for', async () => {
    const { status, body } = await api.get(`${path}?at=1&waitMs=10`);
    expect(status).toBe(400);
    expect(body.errors).toEqual([
      { pointer: '/query/waitMs', message: 'cannot stand together with at' },
    ]);
  });
});
