import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createTestApi, type TestApi } from './api-server.ts';

let api: TestApi;
beforeAll(async () => {
  api = await createTestApi();
  await api.startReaders();
});
afterAll(() => api.close());

async function submit(job: object): Promise<string> {
  const { body } = await api.post('/v1/jobs', { type: 'x', ...job });
  return body.job.id as string;
}
async function workOne(queue: string, outcome: 'complete' | 'fail'): Promise<string> {
  const { body } = await api.post(`/v1/queues/${queue}/claim`, { worker: 'w', limit: 1 });
  const [job] = body.jobs as { id: string; leaseToken: string }[];
  const item = { jobId: job?.id, leaseToken: job?.leaseToken };
  const error = { name: 'E', message: 'no such mailbox' };
  const items = [outcome === 'fail' ? { ...item, error, retryable: false } : item];
  expect((await api.post(`/v1/claims/${outcome}`, { items })).status).toBe(200);
  return job?.id ?? '';
}
const codesOf = async (id: string) =>
  ((await api.get(`/v1/jobs/${id}/explain`)).body.because as { code: string }[]).map(
    ({ code }) => code,
  );

describe('a job’s history, step by step', () => {
  it('shows the job after each event', async () => {
    const id = await submit({ queue: 'steps' });
    await workOne('steps', 'fail');
    const { body } = await api.get(`/v1/jobs/${id}/steps`);
    const steps = body.data as {
      event: { type: string };
      job: { state: string; failures: number };
    }[];
    expect(steps.map(({ event, job }) => [event.type, job.state, job.failures])).toEqual([
      ['JobSubmitted', 'ready', 0],
      ['JobClaimed', 'running', 0],
      ['JobFailed', 'ready', 1],
      ['JobDead', 'dead', 1],
    ]);
    expect(JSON.stringify(body)).not.toContain('leaseToken');
    expect((await api.get('/v1/jobs/nothing/steps')).body.code).toBe('job-not-found');
  });
});

describe('why a job is where it is', () => {
  it('is told from what the database knows at the moment', async () => {
    const first = await submit({ queue: 'why' });
    const second = await submit({ queue: 'why' });
    const later = await submit({ queue: 'why', delayMs: 3_600_000 });
    expect(await codesOf(first)).toEqual(['no-worker']);
    expect(await codesOf(second)).toEqual(['no-worker', 'behind']);
    await api.post('/v1/queues/why/pause', {});
    expect(await codesOf(later)).toEqual(['delayed', 'queue-paused', 'no-worker']);
    await api.post('/v1/queues/why/resume', {});
    expect(await workOne('why', 'complete')).toBe(first);
    expect(await codesOf(first)).toEqual(['completed']);
    expect(await codesOf(second)).toEqual(['next']);
    expect((await api.get('/v1/jobs/nothing/explain')).body.code).toBe('job-not-found');
  });
});

describe('running jobs again', () => {
  const replay = (body: object, headers = {}) => api.post('/v1/jobs/replay', body, headers);
  const listed = (count: number) =>
    vi.waitFor(async () =>
      expect((await api.get('/v1/jobs?queue=mail&state=dead')).body.data).toHaveLength(count),
    );

  it('says first what it would do, and then makes new jobs of the old ones', async () => {
    const ids = [];
    for (const n of [1, 2]) {
      ids.unshift(
        await submit({ queue: 'mail', payload: { n }, tags: ['t'], priority: 2, maxAttempts: 3 }),
      );
    }
    await workOne('mail', 'fail');
    await workOne('mail', 'fail');
    await submit({ queue: 'mail' });
    await listed(2);
    const filter = { queue: 'mail', state: 'dead', error: 'mailbox' };
    const dry = await replay({ filter });
    expect(dry.body).toEqual({
      dryRun: true,
      data: ids.map((id) => ({ replayOf: id, id: null, queue: 'mail', type: 'x' })),
      skipped: [],
    });
    const { status, body } = await replay(
      { filter, dryRun: false, queue: 'again' },
      { 'x-actor': 'ann', 'x-request-id': 'req-7' },
    );
    expect(status).toBe(200);
    expect(body.data.map((each: { replayOf: string }) => each.replayOf)).toEqual(ids);
    const made = await api.get(`/v1/jobs/${body.data[0].id}`);
    expect(made.body).toMatchObject({
      queue: 'again',
      payload: { n: 2 },
      tags: ['t'],
      priority: 2,
      maxAttempts: 3,
      state: 'ready',
      replayOf: ids[0],
      correlationId: ids[0],
    });
    const { body: history } = await api.get(`/v1/jobs/${body.data[0].id}/events`);
    expect(history.data[0]).toMatchObject({
      actor: 'ann',
      causation: 'req-7',
      correlation: ids[0],
      data: { replayOf: ids[0] },
    });
    // The old ones are as they were.
    expect((await api.get(`/v1/jobs/${ids[0]}`)).body.state).toBe('dead');
  });

  it('goes page by page, and once for one key', async () => {
    const filter = { queue: 'mail', state: 'dead' };
    const first = await replay({ filter, limit: 1 });
    expect(first.body.data).toHaveLength(1);
    const next = await replay({ filter, limit: 1, pageToken: first.body.nextPageToken });
    expect(next.body.data).toHaveLength(1);
    expect(next.body.data[0].replayOf).not.toBe(first.body.data[0].replayOf);
    const other = { queue: 'mail', state: 'ready' };
    expect((await replay({ filter: other, pageToken: first.body.nextPageToken })).status).toBe(400);
    const once = { filter, dryRun: false, queue: 'once' };
    const key = { 'idempotency-key': 'replay-1' };
    const answers = [await replay(once, key), await replay(once, key)];
    expect(answers[1]?.body).toEqual(answers[0]?.body);
  });

  it('leaves out what cannot be run again, and refuses a filter that filters nothing', async () => {
    expect((await replay({ filter: {} })).status).toBe(400);
    expect((await replay({ filter: { colour: 'red' } })).status).toBe(400);
    expect((await replay({ filter: { queue: 'no-such-queue' } })).body.code).toBe(
      'queue-not-found',
    );
  });
});
