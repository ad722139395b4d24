import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { claimOne, story, submitOne } from '../../support/job-steps.ts';
import { createTestApi, type TestApi } from './api-server.ts';

let api: TestApi;
beforeAll(async () => {
  api = await createTestApi();
});
afterAll(async () => {
  await api.close();
});

const unknown = '/v1/jobs/01a20140-a356-775a-94ad-ec0098a8355a';
const by = { 'x-actor': 'ada', 'x-request-id': 'r-1' };

async function deadJob(): Promise<string> {
  const { id: jobId, leaseToken } = await claimOne(api.db);
  const items = [{ jobId, leaseToken, error: { message: 'no' }, retryable: false }];
  const { body } = await api.post('/v1/claims/fail', { items });
  expect(body.items[0].state).toBe('dead');
  return jobId;
}

describe('cancel', () => {
  it('cancels a waiting job, and says who did it and why', async () => {
    const id = await submitOne(api.db);
    const answer = await api.post(`/v1/jobs/${id}/cancel`, { reason: 'too late' }, by);
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({
      job: { id, state: 'cancelled', cancelReason: 'too late', version: 2 },
      token: `1.${id}.2`,
    });
    const event = (await api.get(`/v1/jobs/${id}/events`)).body.data[1];
    expect(event).toMatchObject({ actor: 'ada', causation: 'r-1', data: { reason: 'too late' } });
  });

  it('needs no body', async () => {
    for (const headers of [{}, { 'content-type': 'application/json' }]) {
      const id = await submitOne(api.db);
      const { status } = await api.ask('POST', `/v1/jobs/${id}/cancel`, undefined, headers);
      expect(status).toBe(200);
    }
  });

  it('asks a running job to stop, and once is enough', async () => {
    const { id } = await claimOne(api.db);
    const first = await api.post(`/v1/jobs/${id}/cancel`, { reason: 'stop' });
    const again = await api.post(`/v1/jobs/${id}/cancel`, { reason: 'stop now' });
    expect(first.body.job).toMatchObject({
      state: 'running',
      cancelRequested: true,
      cancelReason: 'stop',
    });
    expect(again.status).toBe(200);
    expect(again.body).toEqual(first.body);
    expect(await story(api.db, id)).toEqual(['JobSubmitted', 'JobClaimed', 'JobCancelRequested']);
  });

  it('is refused for a job that has ended', async () => {
    const id = await submitOne(api.db);
    await api.post(`/v1/jobs/${id}/cancel`);
    const { status, body } = await api.post(`/v1/jobs/${id}/cancel`);
    expect(status).toBe(409);
    expect(body).toMatchObject({ code: 'illegal-transition', jobId: id, state: 'cancelled' });
  });
});

describe('retry', () => {
  it('brings a dead job back', async () => {
    const id = await deadJob();
    const { status, body } = await api.post(`/v1/jobs/${id}/retry`, { reason: 'fixed' }, by);
    expect(status).toBe(200);
    expect(body.job).toMatchObject({ state: 'ready', deadReason: null, failures: 1 });
    expect((await api.get(`/v1/jobs/${id}/events`)).body.data.at(-1)).toMatchObject({
      type: 'JobRetried',
      actor: 'ada',
    });
  });

  it('runs a waiting job now', async () => {
    const id = await submitOne(api.db, { delayMs: 60_000 });
    const { body } = await api.post(`/v1/jobs/${id}/retry`);
    expect(body.job.state).toBe('ready');
  });

  it('is refused for a running job', async () => {
    const { id } = await claimOne(api.db);
    expect((await api.post(`/v1/jobs/${id}/retry`)).body.code).toBe('illegal-transition');
  });

  it('is refused while another job holds its unique key', async () => {
    const { id: jobId, leaseToken } = await claimOne(api.db, { uniqueKey: 'u' });
    const items = [{ jobId, leaseToken, error: { message: 'no' }, retryable: false }];
    await api.post('/v1/claims/fail', { items });
    await submitOne(api.db, { uniqueKey: 'u' });
    const { status, body } = await api.post(`/v1/jobs/${jobId}/retry`);
    expect(status).toBe(409);
    expect(body.code).toBe('unique-key-held');
  });
});

describe('reschedule', () => {
  it('takes a time, or a delay from the database’s time', async () => {
    const id = await submitOne(api.db);
    const runAt = '2031-05-06T07:08:09.123Z';
    const at = await api.post(`/v1/jobs/${id}/reschedule`, { runAt });
    expect(at.body.job).toMatchObject({ state: 'scheduled', runAt });
    const inAWhile = await api.post(`/v1/jobs/${id}/reschedule`, { delayMs: 3_600_000 });
    const events = (await api.get(`/v1/jobs/${id}/events`)).body.data;
    const asked = Date.parse(events.at(-1).occurredAt);
    const delayMs = Date.parse(inAWhile.body.job.runAt) - asked;
    // Read a moment before it was written.
    expect(Math.abs(delayMs - 3_600_000)).toBeLessThan(5_000);
    const now = await api.post(`/v1/jobs/${id}/reschedule`, { delayMs: 0 });
    expect(now.body.job.state).toBe('ready');
  });

  it.each([{}, { runAt: '2031-05-06T07:08:09Z', delayMs: 1 }, { delayMs: -1 }, undefined])(
    'refuses %j',
    async (body) => {
      const id = await submitOne(api.db);
      expect((await api.post(`/v1/jobs/${id}/reschedule`, body)).status).toBe(400);
    },
  );
});

describe('move', () => {
  it('moves a waiting job, also to a queue that was not there, and says who did it and why', async () => {
    const id = await submitOne(api.db);
    const answer = await api.post(`/v1/jobs/${id}/move`, { queue: 'slow', reason: 'why' }, by);
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ job: { id, queue: 'slow', state: 'ready', version: 2 } });
    const event = (await api.get(`/v1/jobs/${id}/events`)).body.data[1];
    const data = { from: 'default', to: 'slow', reason: 'why' };
    expect(event).toMatchObject({ type: 'JobMoved', actor: 'ada', causation: 'r-1', data });
    const { body } = await api.post('/v1/queues/slow/claim', { worker: 'w' });
    expect(body.jobs).toMatchObject([{ id, queue: 'slow' }]);
  });

  it('is refused for a running job, and for the queue it is in', async () => {
    const { id } = await claimOne(api.db);
    const waiting = await submitOne(api.db, { queue: 'here' });
    for (const [job, queue] of [
      [id, 'slow'],
      [waiting, 'here'],
    ]) {
      const { status, body } = await api.post(`/v1/jobs/${job}/move`, { queue });
      expect([status, body.code]).toEqual([409, 'illegal-transition']);
    }
  });

  it.each([
    [{}, '/queue'],
    [{ queue: 'No Name' }, '/queue'],
    [{ queue: 'slow', priority: 1 }, '/priority'],
  ])('refuses %j', async (body, pointer) => {
    const id = await submitOne(api.db);
    const answer = await api.post(`/v1/jobs/${id}/move`, body);
    expect(answer.status).toBe(400);
    expect(answer.body.errors[0].pointer).toBe(pointer);
  });
});

describe('PATCH', () => {
  it('changes what it names, and nothing else', async () => {
    const id = await submitOne(api.db, { tags: ['a'], timeoutMs: 5_000, payload: { old: 1 } });
    const changes = {
      priority: 1,
      maxAttempts: 2,
      backoff: { kind: 'linear', baseMs: 10, stepMs: 10, maxMs: 100, jitter: 0 },
      timeoutMs: null,
      payload: { new: [2] },
      reason: 'better so',
    };
    const { status, body } = await api.ask('PATCH', `/v1/jobs/${id}`, changes, by);
    expect(status).toBe(200);
    const { payload, reason, ...shown } = changes;
    expect(body.job).toMatchObject({ ...shown, tags: ['a'], payloadBytes: 11, version: 2 });
    expect((await api.get(`/v1/jobs/${id}`)).body).toMatchObject({ payload, tags: ['a'] });
    const event = (await api.get(`/v1/jobs/${id}/events`)).body.data[1];
    expect(event).toMatchObject({ type: 'JobEdited', actor: 'ada', data: { reason } });
  });

  it('can set a payload to null', async () => {
    const id = await submitOne(api.db, { payload: 1 });
    await api.ask('PATCH', `/v1/jobs/${id}`, { payload: null });
    expect((await api.get(`/v1/jobs/${id}`)).body).toMatchObject({ payload: null, version: 2 });
  });

  it.each([
    [{}, ''],
    [{ reason: 'none' }, ''],
    [{ priority: 11 }, '/priority'],
    [{ type: 'other' }, '/type'],
    [{ tags: ['\u0000'] }, '/tags/0'],
    [{ priority: 1, reason: 'a\u0000' }, '/reason'],
    [{ priority: 1, reason: 'r'.repeat(501) }, '/reason'],
  ])('refuses %j', async (body, pointer) => {
    const id = await submitOne(api.db);
    const answer = await api.ask('PATCH', `/v1/jobs/${id}`, body);
    expect(answer.status).toBe(400);
    expect(answer.body.errors[0].pointer).toBe(pointer);
  });

  it('is refused for a running job', async () => {
    const { id } = await claimOne(api.db);
    const { status, body } = await api.ask('PATCH', `/v1/jobs/${id}`, { priority: 1 });
    expect(status).toBe(409);
    expect(body).toMatchObject({ code: 'illegal-transition', state: 'running' });
  });
});

describe('every change', () => {
  it.each([
    ['POST', `${unknown}/cancel`, {}],
    ['POST', `${unknown}/retry`, {}],
    ['POST', `${unknown}/reschedule`, { delayMs: 1 }],
    ['POST', `${unknown}/move`, { queue: 'slow' }],
    ['PATCH', unknown, { priority: 1 }],
    ['POST', '/v1/jobs/no-uuid/cancel', {}],
  ] as const)('does not find %s %s', async (method, path, body) => {
    const answer = await api.ask(method, path, body);
    expect(answer.status).toBe(404);
    expect(answer.body.code).toBe('job-not-found');
  });

  it('refuses an actor that cannot be kept', async () => {
    const id = await submitOne(api.db);
    for (const actor of ['a'.repeat(256), 'tab\tbed', 'Ada Löwe']) {
      const { status, body } = await api.post(`/v1/jobs/${id}/cancel`, {}, { 'x-actor': actor });
      expect(status).toBe(400);
      expect(body.errors[0].pointer).toBe('/headers/x-actor');
    }
  });
});
