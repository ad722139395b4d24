import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { expectSoon } from '../../support/expect-soon.ts';
import { submitMany, submitOne } from '../../support/job-steps.ts';
import { createTestApi, type TestApi } from './api-server.ts';

let api: TestApi;
beforeAll(async () => {
  api = await createTestApi();
  await api.startReaders();
});
afterAll(async () => {
  await api.close();
});

describe('GET /v1/queues', () => {
  it('tells how much is in each queue, and since when the oldest due job waits', async () => {
    await submitMany(api.db, 2, { queue: 'depth' });
    await submitOne(api.db, { queue: 'depth', delayMs: 60_000 });
    await api.post('/v1/queues/depth/claim', { worker: 'w', limit: 1 });
    const jobs = async () => (await api.get('/v1/queues/depth')).body.jobs;
    await expectSoon(jobs).toEqual({ waiting: 2, running: 1, completed: 0, dead: 0, cancelled: 0 });
    const { status, body } = await api.get('/v1/queues/depth');
    expect(status).toBe(200);
    expect(body).toMatchObject({
      name: 'depth',
      paused: false,
      settings: {},
      totals: { submitted: 3, started: 1, failed: 0, retried: 0, interrupted: 0 },
    });
    expect(Date.parse(body.oldestDueAt)).toBeGreaterThanOrEqual(Date.parse(body.createdAt));
    // Again where a minute ends between the two, for rates are those of whole minutes.
    await vi.waitFor(async () => {
      const { body: one } = await api.get('/v1/queues/depth');
      expect((await api.get('/v1/queues')).body.data).toContainEqual(one);
    });
  });

  it('has nothing due where nothing is', async () => {
    await submitOne(api.db, { queue: 'later', delayMs: 60_000 });
    expect((await api.get('/v1/queues/later')).body.oldestDueAt).toBeNull();
  });
});

describe('pausing', () => {
  it('stops claims until the queue is resumed', async () => {
    await submitOne(api.db, { queue: 'stopped' });
    const headers = { 'x-actor': 'ada' };
    const paused = await api.post('/v1/queues/stopped/pause', { reason: 'deploy' }, headers);
    expect(paused.status).toBe(200);
    expect(paused.body.queue).toMatchObject({ name: 'stopped', paused: true });
    const claim = () => api.post('/v1/queues/stopped/claim', { worker: 'w' });
    expect((await claim()).body.jobs).toEqual([]);
    const again = await api.post('/v1/queues/stopped/pause');
    expect(again.body).toEqual(paused.body);
    const resumed = await api.post('/v1/queues/stopped/resume');
    expect(resumed.body.queue.paused).toBe(false);
    expect((await claim()).body.jobs).toHaveLength(1);
    const { rows } = await api.db.database.pool.query(
      `select actor, data from (select actor, data, type from ${api.db.schema}.events
        union all select actor, data, type from ${api.db.schema}.event_inbox) e where type = 33`,
    );
    expect(rows).toEqual([{ actor: 'ada', data: { reason: 'deploy' } }]);
  });

  it('wakes a worker that waits', async () => {
    await submitOne(api.db, { queue: 'woken' });
    await api.post('/v1/queues/woken/pause');
    const waiting = api.post('/v1/queues/woken/claim', { worker: 'w', waitMs: 30_000 });
    await api.post('/v1/queues/woken/resume');
    expect((await waiting).body.jobs).toHaveLength(1);
  });
});

describe('PATCH /v1/queues/{queue}', () => {
  it('changes settings', async () => {
    await submitOne(api.db, { queue: 'set' });
    const body = { settings: { concurrency: 3 }, reason: 'slow provider' };
    const { status, body: answer } = await api.ask('PATCH', '/v1/queues/set', body);
    expect(status).toBe(200);
    expect(answer.queue.settings).toEqual({ concurrency: 3 });
    expect((await api.get('/v1/queues/set')).body.settings).toEqual({ concurrency: 3 });
  });

  it.each([
    [{ settings: {} }, '/settings'],
    [{}, '/settings'],
    [{ settings: { concurrency: 0 } }, '/settings/concurrency'],
    [{ settings: { speed: 1 } }, '/settings/speed'],
    [{ settings: { concurrency: 1 }, paused: true }, '/paused'],
  ])('refuses %j', async (body, pointer) => {
    await submitOne(api.db, { queue: 'set' });
    const answer = await api.ask('PATCH', '/v1/queues/set', body);
    expect(answer.status).toBe(400);
    expect(answer.body.errors[0].pointer).toBe(pointer);
  });
});

describe('every operation on a queue', () => {
  const operations = [
    ['GET', '', undefined],
    ['POST', '/pause', undefined],
    ['POST', '/resume', undefined],
    ['PATCH', '', { settings: { concurrency: 1 } }],
    ['POST', '/claim', { worker: 'w' }],
  ] as const;

  it.each(operations)('%s …%s does not find an unknown one', async (method, path, body) => {
    const answer = await api.ask(method, `/v1/queues/nowhere${path}`, body);
    expect(answer.status).toBe(404);
    expect(answer.body.code).toBe('queue-not-found');
  });

  it.each(operations)('%s …%s refuses a name that cannot be one', async (method, path, body) => {
    const answer = await api.ask(method, `/v1/queues/No%20Name${path}`, body);
    expect(answer.status).toBe(400);
    expect(answer.body.errors[0].pointer).toBe('/path/queue');
  });
});
