import { describe, expect, it } from 'vitest';
import { lapse, submitMany } from '../../support/job-steps.ts';
import type { TestApi } from './api-server.ts';
import { eachWithQueue } from './each-with-queue.ts';

let api: TestApi;
let queue: string;
eachWithQueue('claims', (...made) => {
  [api, queue] = made;
});

const claim = (body: Record<string, unknown> = {}) =>
  api.post(`/v1/queues/${queue}/claim`, { worker: 'w-1', ...body });

/** Submits a job, claims it, and gives what the claim answered. */
async function claimed() {
  await submitMany(api.db, 1, { queue });
  const { body } = await claim();
  const [job] = body.jobs as { id: string; leaseToken: string }[];
  return { session: body.session as string, item: { jobId: job?.id, leaseToken: job?.leaseToken } };
}

describe('/v1/workers', () => {
  it('beats, and brings wishes to cancel back', async () => {
    const { session, item } = await claimed();
    await lapse(api.db, session);
    const quiet = await api.post(`/v1/workers/${session}/heartbeat`);
    expect(quiet.body.cancelRequested).toEqual([]);
    expect(Date.parse(quiet.body.leaseUntil)).toBeGreaterThan(Date.now());
    await api.post(`/v1/jobs/${item.jobId}/cancel`);
    const { body } = await api.post(`/v1/workers/${session}/heartbeat`, {});
    expect(body.cancelRequested).toEqual([item.jobId]);
  });

  it('ends a session once', async () => {
    const { session } = await claimed();
    const ended = await api.ask('DELETE', `/v1/workers/${session}`);
    expect(ended.status).toBe(204);
    expect(ended.text).toBe('');
    expect((await api.ask('DELETE', `/v1/workers/${session}`)).status).toBe(404);
    expect((await api.post(`/v1/workers/${session}/heartbeat`)).body.code).toBe('worker-not-found');
    const { data } = (await api.get('/v1/workers')).body;
    expect(data.map((each: { session: string }) => each.session)).not.toContain(session);
  });

  it('does not find what cannot be a session', async () => {
    expect((await api.post('/v1/workers/no-uuid/heartbeat')).status).toBe(404);
    expect((await api.ask('DELETE', '/v1/workers/no-uuid')).status).toBe(404);
  });
});
