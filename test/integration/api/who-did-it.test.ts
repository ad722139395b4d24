import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { claim, claimOne } from '../../support/job-steps.ts';
import { sequenceAll } from '../../support/log-steps.ts';
import { createTestApi, type TestApi } from './api-server.ts';

let api: TestApi;
beforeAll(async () => {
  api = await createTestApi();
});
afterAll(() => api.close());

const ada = { 'x-actor': 'ada', 'x-request-id': 'request-7' };
const reason = 'as the customer wished';
const later = new Date(Date.now() + 3_600_000).toISOString();

/** A job that waits for an hour, submitted by somebody else, in a chain of its own. */
async function waitingJob(): Promise<string> {
  const job = { type: 'x', queue: 'asked', delayMs: 3_600_000, correlationId: 'order-1' };
  return (await api.post('/v1/jobs', job)).body.job.id as string;
}

async function runningJob(): Promise<string> {
  return (await claimOne(api.db, { correlationId: 'order-1' })).id;
}

async function deadJob(): Promise<string> {
  const { id: jobId, leaseToken } = await claimOne(api.db, { correlationId: 'order-1' });
  const items = [{ jobId, leaseToken, error: { message: 'no' }, retryable: false }];
  await api.post('/v1/claims/fail', { items });
  return jobId;
}

type Change = readonly [
  what: string,
  type: string,
  job: () => Promise<string>,
  ask: (id: string) => Promise<{ status: number }>,
];
const post = (verb: string, body: object) => (id: string) =>
  api.post(`/v1/jobs/${id}/${verb}`, { ...body, reason }, ada);

const changes: readonly Change[] = [
  ['cancels', 'JobCancelled', waitingJob, post('cancel', {})],
  ['asks a running one to stop', 'JobCancelRequested', runningJob, post('cancel', {})],
  ['brings a dead one back', 'JobRetried', deadJob, post('retry', {})],
  ['puts off', 'JobRescheduled', waitingJob, post('reschedule', { runAt: later })],
  ['moves', 'JobMoved', waitingJob, post('move', { queue: 'elsewhere' })],
  [
    'edits',
    'JobEdited',
    waitingJob,
    (id) => api.ask('PATCH', `/v1/jobs/${id}`, { priority: 1, reason }, ada),
  ],
];

describe('who asked, why and by which request stands in the event of whoever', () => {
  it.each(changes)('%s a job: %s', async (_, type, job, ask) => {
    const id = await job();
    expect((await ask(id)).status).toBe(200);
    const event = (await api.get(`/v1/jobs/${id}/events`)).body.data.at(-1);
    expect(event).toMatchObject({
      type,
      actor: 'ada',
      causation: 'request-7',
      correlation: 'order-1',
      data: { reason },
    });
  });

  it('submits jobs, one or many', async () => {
    const job = { type: 'x', queue: 'asked', correlationId: 'order-2' };
    await api.post('/v1/jobs', job, ada);
    await api.post('/v1/jobs/batch', { jobs: [job, job] }, ada);
    await sequenceAll(api.db.database);
    const { body } = await api.get('/v1/events?correlation=order-2');
    expect(body.data).toHaveLength(3);
    for (const event of body.data) {
      expect(event).toMatchObject({ authid: 'ada', causationid: 'request-7' });
    }
  });

  it.each([
    ['pauses', 'POST', '/pause', { reason }, 'dev.daybook.queue.paused.v1', { reason }],
    ['resumes', 'POST', '/resume', { reason }, 'dev.daybook.queue.resumed.v1', { reason }],
    [
      'configures',
      'PATCH',
      '',
      { settings: { concurrency: 2 }, reason },
      'dev.daybook.queue.configured.v1',
      { settings: { concurrency: 2 }, reason },
    ],
  ] as const)('%s a queue', async (_, method, path, body, type, data) => {
    await waitingJob();
    expect((await api.ask(method, `/v1/queues/asked${path}`, body, ada)).status).toBe(200);
    await sequenceAll(api.db.database);
    const { body: page } = await api.get('/v1/events?queue=asked');
    const events = page.data as { type: string }[];
    expect(events.findLast((event) => event.type === type)).toMatchObject({
      authid: 'ada',
      causationid: 'request-7',
      data,
    });
  });

  it('and of a worker the session that did it', async () => {
    const id = await waitingJobNow();
    const session = await api.db.openSession();
    await claim(api.db, session, { queue: 'at-once' });
    const event = (await api.get(`/v1/jobs/${id}/events`)).body.data.at(-1);
    expect(event).toMatchObject({ type: 'JobClaimed', actor: null, data: { session } });
  });
});

async function waitingJobNow(): Promise<string> {
  return (await api.post('/v1/jobs', { type: 'x', queue: 'at-once' })).body.job.id as string;
}
