import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { jobLimits } from '../../../src/domain/job/new-job.ts';
import { createTestApi, type TestApi } from './api-server.ts';

let api: TestApi;
beforeAll(async () => {
  api = await createTestApi();
});
afterAll(async () => {
  await api.close();
});

describe('POST /v1/jobs', () => {
  it('answers the job, its token and its address', async () => {
    const answer = await api.post(
      '/v1/jobs',
      {
        queue: 'emails',
        type: 'send-welcome',
        payload: { userId: 42 },
        priority: 0,
        maxAttempts: 3,
        backoff: { kind: 'fixed', delayMs: 500 },
        timeoutMs: 30_000,
        tags: ['welcome'],
        correlationId: 'order-7',
        uniqueKey: 'welcome-42',
      },
      { 'x-actor': 'ada', 'x-request-id': 'request-1' },
    );
    expect(answer.status).toBe(201);
    const { job, token } = answer.body;
    expect(job).toMatchObject({
      queue: 'emails',
      type: 'send-welcome',
      state: 'ready',
      version: 1,
      priority: 0,
      failures: 0,
      maxAttempts: 3,
      backoff: { kind: 'fixed', delayMs: 500, jitter: 0.1 },
      timeoutMs: 30_000,
      tags: ['welcome'],
      correlationId: 'order-7',
      uniqueKey: 'welcome-42',
      payloadBytes: 13,
      startedAt: null,
    });
    expect(job.submittedAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(token).toBe(`1.${job.id}.1`);
    expect(answer.headers).toMatchObject({
      location: `/v1/jobs/${job.id}`,
      'x-request-id': 'request-1',
      'cache-control': 'no-store',
    });
    expect(answer.headers).not.toHaveProperty('idempotency-replayed');
    const [event] = (await api.get(`/v1/jobs/${job.id}/events`)).body.data;
    expect(event).toMatchObject({ actor: 'ada', causation: 'request-1', correlation: 'order-7' });
  });

  it('needs only a type', async () => {
    const { status, body } = await api.post('/v1/jobs', { type: 'least' });
    expect(status).toBe(201);
    expect(body.job).toMatchObject({ queue: 'default', priority: 4, maxAttempts: 10, tags: [] });
    expect((await api.get(`/v1/jobs/${body.job.id}`)).body.payload).toBeNull();
  });

  it('schedules by runAt with any offset, and by delayMs from the database’s time', async () => {
    const runAt = '2030-01-31T10:30:00+01:00';
    const at = (await api.post('/v1/jobs', { type: 'x', runAt })).body.job;
    expect(at).toMatchObject({ state: 'scheduled', runAt: '2030-01-31T09:30:00.000Z' });
    const later = (await api.post('/v1/jobs', { type: 'x', delayMs: 90_000 })).body.job;
    expect(later.state).toBe('scheduled');
    expect(Date.parse(later.runAt) - Date.parse(later.submittedAt)).toBe(90_000);
  });

  it('fills in what a backoff leaves out', async () => {
    const backoff = { kind: 'exponential' };
    const { body } = await api.post('/v1/jobs', { type: 'x', backoff });
    const full = { kind: 'exponential', baseMs: 1_000, factor: 2, maxMs: 3_600_000, jitter: 0.1 };
    expect(body.job.backoff).toEqual(full);
  });

  it.each([
    ['a name in capitals', { type: 'Send' }, '/type'],
    ['a name of 65 characters', { type: 'x', queue: 'q'.repeat(65) }, '/queue'],
    ['a queue that URLs resolve away', { type: 'x', queue: '..' }, '/queue'],
    ['no type', { queue: 'q' }, '/type'],
    ['an unknown field', { type: 'x', retries: 3 }, '/retries'],
    ['an unknown field with a slash', { type: 'x', 'a/b~c': 3 }, '/a~1b~0c'],
    ['a text for a number', { type: 'x', priority: '4' }, '/priority'],
    ['a priority of 10', { type: 'x', priority: 10 }, '/priority'],
    ['a fraction', { type: 'x', maxAttempts: 1.5 }, '/maxAttempts'],
    ['no attempt at all', { type: 'x', maxAttempts: 0 }, '/maxAttempts'],
    ['too many attempts', { type: 'x', maxAttempts: 1_001 }, '/maxAttempts'],
    ['a timeout of 0', { type: 'x', timeoutMs: 0 }, '/timeoutMs'],
    ['a delay of years', { type: 'x', delayMs: jobLimits.delayMs + 1 }, '/delayMs'],
    ['a time without a zone', { type: 'x', runAt: '2030-01-01T00:00:00' }, '/runAt'],
    ['a day that never was', { type: 'x', runAt: '2030-02-30T00:00:00Z' }, '/runAt'],
    ['a time before 1970', { type: 'x', runAt: '1969-12-31T00:00:00Z' }, '/runAt'],
    ['both times', { type: 'x', runAt: '2030-01-01T00:00:00Z', delayMs: 1 }, '/delayMs'],
    ['a custom backoff', { type: 'x', backoff: { kind: 'custom' } }, '/backoff/kind'],
    [
      'a negative delay',
      { type: 'x', backoff: { kind: 'fixed', delayMs: -1 } },
      '/backoff/delayMs',
    ],
    ['21 tags', { type: 'x', tags: Array.from({ length: 21 }, String) }, '/tags'],
    ['an empty tag', { type: 'x', tags: ['a', ''] }, '/tags/1'],
    ['NUL in a tag', { type: 'x', tags: ['a\u0000'] }, '/tags/0'],
    ['half a character', { type: 'x', uniqueKey: '\uD800' }, '/uniqueKey'],
    ['a key of 256', { type: 'x', correlationId: 'k'.repeat(256) }, '/correlationId'],
    ['a list for a body', [], ''],
    ['no body', undefined, ''],
  ])('refuses %s', async (_, body, pointer) => {
    const answer = await api.post('/v1/jobs', body);
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({ code: 'invalid-request', retryable: false });
    expect(answer.body.errors.map((field: { pointer: string }) => field.pointer)).toContain(
      pointer,
    );
  });

  it('keeps whatever a payload says, to the last character', async () => {
    const payload = {
      nul: 'a\u0000b',
      half: '\uD800',
      emoji: '👩‍🚀',
      '': 'no name',
      nested: { list: [1, null, true, { constructor: 'c' }] },
    };
    const { status, body } = await api.post('/v1/jobs', { type: 'x', payload });
    expect(status).toBe(201);
    expect((await api.get(`/v1/jobs/${body.job.id}`)).body.payload).toEqual(payload);
  });

  it('takes a payload of 1 MiB and refuses one byte more', async () => {
    const payload = 'x'.repeat(jobLimits.payloadBytes - 2);
    const { status, body } = await api.post('/v1/jobs', { type: 'big', payload });
    expect(status).toBe(201);
    expect(body.job.payloadBytes).toBe(jobLimits.payloadBytes);
    const over = await api.post('/v1/jobs', { type: 'big', payload: `${payload}x` });
    expect(over.status).toBe(413);
    expect(over.body).toMatchObject({ code: 'payload-too-large' });
    expect(over.body.errors).toEqual([{ pointer: '/payload', message: 'is too large' }]);
  });
});

describe('a unique key', () => {
  it('is held by one live job, which the refusal names', async () => {
    const first = await api.post('/v1/jobs', { type: 'x', uniqueKey: 'one' });
    const second = await api.post('/v1/jobs', { type: 'x', uniqueKey: 'one' });
    expect(second.status).toBe(409);
    expect(second.body).toMatchObject({ code: 'unique-key-held', jobId: first.body.job.id });
  });
});

describe('an idempotency key', () => {
  const key = (value: string) => ({ 'idempotency-key': value });

  it('answers the first body again, whatever has become of the job', async () => {
    const request = { type: 'x', payload: 1, delayMs: 60_000 };
    const first = await api.post('/v1/jobs', request, key('k1'));
    await api.post(`/v1/jobs/${first.body.job.id}/cancel`);
    const again = await api.post('/v1/jobs', request, key('k1'));
    expect(again.status).toBe(201);
    expect(again.body).toEqual(first.body);
    expect(again.headers['idempotency-replayed']).toBe('true');
    expect(first.headers).not.toHaveProperty('idempotency-replayed');
  });

  it('is refused with another body', async () => {
    await api.post('/v1/jobs', { type: 'x' }, key('k2'));
    const other = await api.post('/v1/jobs', { type: 'y' }, key('k2'));
    expect(other.status).toBe(422);
    expect(other.body.code).toBe('idempotency-key-reused');
  });

  it('makes one job of many requests at once', async () => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => api.post('/v1/jobs', { type: 'x' }, key('k3'))),
    );
    const ids = new Set(answers.map(({ body }) => body.job?.id));
    expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(201));
    expect(ids.size).toBe(1);
  });

  it('must be printable and not too long', async () => {
    const { status, body } = await api.post('/v1/jobs', { type: 'x' }, key('k'.repeat(256)));
    expect(status).toBe(400);
    expect(body.errors[0].pointer).toBe('/headers/idempotency-key');
  });

  it('also stands for a batch', async () => {
    const jobs = [{ type: 'x' }, { type: 'y' }];
    const first = await api.post('/v1/jobs/batch', { jobs }, key('b1'));
    const again = await api.post('/v1/jobs/batch', { jobs }, key('b1'));
    expect(again.body).toEqual(first.body);
    expect(again.headers['idempotency-replayed']).toBe('true');
    const other = await api.post('/v1/jobs/batch', { jobs: [{ type: 'z' }] }, key('b1'));
    expect(other.status).toBe(422);
  });
});

describe('POST /v1/jobs/batch', () => {
  it('answers ids in the order of the jobs', async () => {
    const jobs = [1, 2, 3].map((payload) => ({ type: 'x', queue: 'batch', payload }));
    const { status, body } = await api.post('/v1/jobs/batch', { jobs });
    expect(status).toBe(201);
    expect(body.count).toBe(3);
    for (const [index, { id, token }] of body.jobs.entries()) {
      expect(token).toBe(`1.${id}.1`);
      expect((await api.get(`/v1/jobs/${id}`)).body.payload).toBe(index + 1);
    }
  });

  it('takes all or none, and says which job is wrong', async () => {
    const queue = 'none-of-it';
    const jobs = [
      { type: 'x', queue },
      { type: 'X', queue },
    ];
    const { status, body } = await api.post('/v1/jobs/batch', { jobs });
    expect(status).toBe(400);
    expect(body.errors[0].pointer).toBe('/jobs/1/type');
    expect((await api.get(`/v1/queues/${queue}`)).status).toBe(404);
  });

  it('points at a payload that is too large, also where it is the only one', async () => {
    const big = { type: 'x', payload: 'x'.repeat(jobLimits.payloadBytes) };
    const alone = await api.post('/v1/jobs/batch', { jobs: [big] });
    expect(alone.status).toBe(413);
    expect(alone.body.errors[0].pointer).toBe('/jobs/0/payload');
    const second = await api.post('/v1/jobs/batch', { jobs: [{ type: 'x' }, big] });
    expect(second.body.errors[0].pointer).toBe('/jobs/1/payload');
  });

  it('points at a key that stands twice', async () => {
    const job = { type: 'x', uniqueKey: 'twice' };
    const { status, body } = await api.post('/v1/jobs/batch', { jobs: [job, job] });
    expect(status).toBe(400);
    expect(body.errors[0].pointer).toBe('/jobs/1/uniqueKey');
  });

  it('takes 10,000 jobs, and not one more', async () => {
    const jobs = Array.from({ length: 10_000 }, () => ({ type: 'many' }));
    const { status, body } = await api.post('/v1/jobs/batch', { jobs });
    expect(status).toBe(201);
    expect(body.count).toBe(10_000);
    const over = await api.post('/v1/jobs/batch', { jobs: [...jobs, { type: 'many' }] });
    expect(over.status).toBe(400);
    expect(over.body.errors[0].pointer).toBe('/jobs');
    expect((await api.post('/v1/jobs/batch', { jobs: [] })).status).toBe(400);
  });
});
