import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectSoon } from '../../support/expect-soon.ts';
import { story } from '../../support/job-steps.ts';
import { untilWaiting } from '../../support/postgres-activity.ts';
import { createTestApi, type TestApi } from './api-server.ts';

// A worker in nothing but `fetch`: what a worker in any other language has to do.

let api: TestApi;
let origin: string;
beforeAll(async () => {
  api = await createTestApi();
  origin = await api.listen();
});
afterAll(async () => {
  await api.close();
});

// oxlint-disable-next-line typescript/no-explicit-any -- tests look into whatever came
async function call(method: string, path: string, body?: unknown): Promise<any> {
  const answer = await fetch(`${origin}/v1${path}`, {
    method,
    ...(body === undefined
      ? {}
      : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  });
  expect([method, path, answer.ok]).toEqual([method, path, true]);
  return answer.status === 204 ? null : answer.json();
}

const submit = async (job: object): Promise<string> => (await call('POST', '/jobs', job)).job.id;

/**
 * Works off a queue until a claim comes back empty; what to do with a job hangs on its type. Somebody
 * wants one of them cancelled as soon as it runs.
 */
async function work(queue: string, unwanted: string): Promise<void> {
  let session: string | undefined;
  for (;;) {
    const order = { worker: 'plain-fetch', limit: 10, leaseMs: 10_000, session };
    const claim = await call('POST', `/queues/${queue}/claim`, order);
    session = claim.session;
    if (claim.jobs.length === 0) break;
    if (claim.jobs.some(({ id }: { id: string }) => id === unwanted)) {
      await call('POST', `/jobs/${unwanted}/cancel`, { reason: 'while it runs' });
    }
    const { cancelRequested } = await call('POST', `/workers/${session}/heartbeat`);
    for (const { id: jobId, leaseToken, type, payload, attempt } of claim.jobs) {
      const item = { jobId, leaseToken };
      if (cancelRequested.includes(jobId)) {
        await call('POST', '/claims/release', { items: [item] });
      } else if (type === 'double') {
        await call('POST', '/claims/complete', { items: [{ ...item, result: payload.n * 2 }] });
      } else if (type === 'flaky' && attempt === 1) {
        const error = { name: 'Flaky', message: 'first time' };
        await call('POST', '/claims/fail', { items: [{ ...item, error, retryDelayMs: 0 }] });
      } else if (type === 'hopeless') {
        const error = { message: 'never' };
        await call('POST', '/claims/fail', { items: [{ ...item, error, retryable: false }] });
      } else if (type === 'tomorrow') {
        await call('POST', '/claims/snooze', { items: [{ ...item, delayMs: 86_400_000 }] });
      } else {
        await call('POST', '/claims/complete', { items: [item] });
      }
    }
  }
  await call('DELETE', `/workers/${session}`);
}

describe('a worker in plain fetch', () => {
  it('completes, fails, retries, snoozes and cancels', async () => {
    const queue = 'plain';
    const double = await submit({ queue, type: 'double', payload: { n: 21 } });
    const flaky = await submit({ queue, type: 'flaky' });
    const hopeless = await submit({ queue, type: 'hopeless' });
    const tomorrow = await submit({ queue, type: 'tomorrow' });
    const unwanted = await submit({ queue, type: 'unwanted' });
    const given = await call('POST', `/queues/${queue}/claim`, { worker: 'other', limit: 1 });
    expect(given.jobs[0].id).toBe(double);
    const [{ id: jobId, leaseToken }] = given.jobs;
    await call('POST', '/claims/release', { items: [{ jobId, leaseToken }] });

    const waiting = call('GET', `/jobs/${double}?waitMs=30000`);
    await work(queue, unwanted);
    expect(await waiting).toMatchObject({ state: 'completed', result: 42 });
    const state = async (id: string) => (await call('GET', `/jobs/${id}`)).state;
    expect(await state(flaky)).toBe('completed');
    expect(await state(hopeless)).toBe('dead');
    expect(await state(tomorrow)).toBe('scheduled');
    expect(await state(unwanted)).toBe('cancelled');
    expect(await story(api.db, flaky)).toEqual([
      'JobSubmitted',
      'JobClaimed',
      'JobFailed',
      'JobRetried',
      'JobClaimed',
      'JobCompleted',
    ]);
    expect(await story(api.db, double)).toEqual([
      'JobSubmitted',
      'JobClaimed',
      'JobInterrupted',
      'JobClaimed',
      'JobCompleted',
    ]);
  });
});

describe('a client that goes', () => {
  /** Sends a claim, and hangs up when `when` has come true. */
  async function claimAndGo(queue: string, when: () => Promise<void>): Promise<void> {
    const body = JSON.stringify({ worker: 'gone', waitMs: 30_000 });
    const sent = request(`${origin}/v1/queues/${queue}/claim`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-length': body.length },
    });
    const over = new Promise<void>((resolve) => {
      sent.on('error', () => resolve());
      sent.on('close', () => resolve());
    });
    sent.end(body);
    await when();
    sent.destroy();
    await over;
  }
  const sessions = async () =>
    (await call('GET', '/workers')).data.filter(({ name }: { name: string }) => name === 'gone');

  it('does not wait any more, and takes no job with it', async () => {
    const queue = 'abandoned';
    await submit({ queue, type: 'x', delayMs: 86_400_000 });
    await claimAndGo(queue, async () => {
      await expectSoon(sessions).toHaveLength(1);
    });
    // The session was opened for the claim, and ends with it.
    await expectSoon(sessions).toHaveLength(0);
    const id = await submit({ queue, type: 'x' });
    const { jobs } = await call('POST', `/queues/${queue}/claim`, { worker: 'stays' });
    expect(jobs).toEqual([expect.objectContaining({ id, attempt: 1 })]);
  });

  it('gives a job back that was claimed for it in the same moment', async () => {
    const queue = 'too-late';
    const id = await submit({ queue, type: 'x' });
    // The claim waits for this lock; when it is let go, the client is gone.
    const client = await api.db.connect();
    await client.query('begin; lock table worker_sessions in exclusive mode');
    try {
      await claimAndGo(queue, () => untilWaiting(api.db, 'daybook:open-session'));
    } finally {
      await client.query('commit');
    }
    await expectSoon(() => story(api.db, id)).toEqual([
      'JobSubmitted',
      'JobClaimed',
      'JobInterrupted',
    ]);
    expect((await call('GET', `/jobs/${id}`)).state).toBe('ready');
  });
});

describe('a server that closes', () => {
  it('answers those that wait with what there is', async () => {
    const closing = await createTestApi();
    const address = await closing.listen();
    const headers = { 'content-type': 'application/json' };
    const post = (path: string, body: object) =>
      fetch(`${address}/v1${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
    const { job } = (await (await post('/jobs', { type: 'x', delayMs: 86_400_000 })).json()) as {
      job: { id: string };
    };
    const claim = post('/queues/default/claim', { worker: 'w', waitMs: 30_000 });
    const wait = fetch(`${address}/v1/jobs/${job.id}?waitMs=60000`);
    const workers = async () =>
      ((await (await fetch(`${address}/v1/workers`)).json()) as { data: unknown[] }).data;
    await expectSoon(workers).toHaveLength(1);
    const before = performance.now();
    await closing.close();
    expect(performance.now() - before).toBeLessThan(15_000);
    expect((await claim).status).toBe(200);
    expect(await (await claim).json()).toMatchObject({ jobs: [] });
    expect(await (await wait).json()).toMatchObject({ id: job.id, state: 'scheduled' });
  });

  it('takes no more waiting requests than it may', async () => {
    const small = await createTestApi({ limits: { waiting: 1 } });
    const address = await small.listen();
    const { body } = await small.post('/v1/jobs', { type: 'x', delayMs: 86_400_000 });
    const path = `/v1/jobs/${body.job.id}`;
    const waiting = [1, 2].map(() => fetch(`${address}${path}?waitMs=60000`));
    const refused = await Promise.race(waiting);
    expect(refused.status).toBe(503);
    expect(await refused.json()).toMatchObject({ code: 'overloaded', retryable: true });
    expect((await small.get(path)).status).toBe(200);
    await small.close();
    const statuses = (await Promise.all(waiting)).map(({ status }) => status);
    expect(new Set(statuses)).toEqual(new Set([200, 503]));
  });
});
