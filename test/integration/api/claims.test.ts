import { describe, expect, it } from 'vitest';
import { createConsumerControl } from '../../../src/consumers/consumer-control.ts';
import { createServer } from '../../../src/api/server.ts';
import { type Clock, systemClock } from '../../../src/kernel/clock.ts';
import { expectSoon } from '../../support/expect-soon.ts';
import { expire, lapse, story, submitMany, submitOne } from '../../support/job-steps.ts';
import { newId } from '../../support/test-database.ts';
import { createTestApi, type TestApi } from './api-server.ts';
import { eachWithQueue } from './each-with-queue.ts';

let api: TestApi;
let queue: string;
eachWithQueue('claims', (...made) => {
  [api, queue] = made;
});

const claim = (body: Record<string, unknown> = {}) =>
  api.post(`/v1/queues/${queue}/claim`, { worker: 'w-1', ...body });

/** Submits jobs, claims them, and gives what the claim answered. */
async function claimed(count = 1, job: Parameters<typeof submitOne>[1] = {}) {
  await submitMany(api.db, count, { queue, ...job });
  const { body } = await claim({ limit: count });
  const items: { jobId: string; leaseToken: string }[] = body.jobs.map(
    ({ id, leaseToken }: { id: string; leaseToken: string }) => ({ jobId: id, leaseToken }),
  );
  expect(items).toHaveLength(count);
  return { session: body.session as string, jobs: body.jobs, items, item: items[0] };
}

const error = { message: 'no luck' };

describe('POST /v1/queues/{queue}/claim', () => {
  it('opens a session and hands out what a handler needs', async () => {
    const id = await submitOne(api.db, {
      queue,
      payload: { a: 1 },
      tags: ['t'],
      correlationId: 'c',
      timeoutMs: 9_000,
    });
    const { status, body } = await claim({ leaseMs: 60_000 });
    expect(status).toBe(200);
    expect(body.jobs).toEqual([
      expect.objectContaining({
        id,
        queue,
        type: 'x',
        payload: { a: 1 },
        attempt: 1,
        maxAttempts: 10,
        priority: 4,
        timeoutMs: 9_000,
        suspect: false,
        correlationId: 'c',
        tags: ['t'],
      }),
    ]);
    const { data } = (await api.get('/v1/workers')).body;
    expect(data).toContainEqual(
      expect.objectContaining({
        session: body.session,
        name: 'w-1',
        queues: [queue],
        leaseMs: 60_000,
        leaseUntil: body.leaseUntil,
      }),
    );
  });

  it('goes on with a session, up to the limit, in the order in which jobs run', async () => {
    const ids = await submitMany(api.db, 3, { queue });
    const first = await claim({ limit: 2 });
    const second = await claim({ limit: 2, session: first.body.session });
    expect(first.body.jobs.map((job: { id: string }) => job.id)).toEqual(ids.slice(0, 2));
    expect(second.body.jobs.map((job: { id: string }) => job.id)).toEqual(ids.slice(2));
    expect(second.body.session).toBe(first.body.session);
  });

  it('answers no job where none is due, and keeps the session', async () => {
    await submitOne(api.db, { queue, delayMs: 60_000 });
    const { body } = await claim();
    expect(body.jobs).toEqual([]);
    expect((await claim({ session: body.session })).status).toBe(200);
  });

  it('counts as a heartbeat', async () => {
    await submitOne(api.db, { queue, delayMs: 60_000 });
    const { session } = (await claim()).body;
    await lapse(api.db, session);
    const again = (await claim({ session })).body;
    expect(Date.parse(again.leaseUntil)).toBeGreaterThan(Date.now());
  });

  it.each(['never opened', 'ended'])('does not find a session that was %s', async (what) => {
    await submitOne(api.db, { queue });
    const session = what === 'ended' ? (await claim()).body.session : newId();
    if (what === 'ended') await api.ask('DELETE', `/v1/workers/${session}`);
    const { status, body } = await claim({ session });
    expect(status).toBe(404);
    expect(body.code).toBe('worker-not-found');
  });

  it('waits for a job, and is woken by its submission', async () => {
    await submitOne(api.db, { queue, delayMs: 60_000 });
    const before = performance.now();
    const waiting = claim({ waitMs: 30_000 });
    const id = await submitOne(api.db, { queue });
    expect((await waiting).body.jobs).toEqual([expect.objectContaining({ id })]);
    expect(performance.now() - before).toBeLessThan(20_000);
  });

  it('finds by polling what nobody announced', async () => {
    await submitOne(api.db, { queue, delayMs: 60_000 });
    const waiting = claim({ waitMs: 30_000 });
    await api.db.database.pool.query(
      `update ${api.db.schema}.job_claims set run_at = now() where queue_id =
        (select id from ${api.db.schema}.queues where name = $1)`,
      [queue],
    );
    expect((await waiting).body.jobs).toHaveLength(1);
  });

  it('gives each job to one of many that wait', async () => {
    await submitOne(api.db, { queue, delayMs: 60_000 });
    const waiting = Array.from({ length: 5 }, (_, index) =>
      claim({ worker: `w-${index}`, waitMs: 30_000 }),
    );
    const ids = await submitMany(api.db, 5, { queue });
    const answers = await Promise.all(waiting);
    const got = answers.map(({ body }) => body.jobs.map((job: { id: string }) => job.id));
    expect(got.every((jobs) => jobs.length === 1)).toBe(true);
    expect(new Set(got.flat())).toEqual(new Set(ids));
  });

  it('gives a hint on for as long as there is something to claim', async () => {
    // A clock by which nobody is woken but by hints: one comes, for all five jobs together.
    const sleep: Clock['sleep'] = (_ms, signal) => systemClock.sleep(3_600_000, signal);
    const deaf = await createTestApi({ clock: { ...systemClock, sleep } });
    await submitOne(deaf.db, { queue, delayMs: 60_000 });
    const order = { worker: 'w', waitMs: 30_000 };
    const waiting = [1, 2, 3, 4, 5].map(() => deaf.post(`/v1/queues/${queue}/claim`, order));
    const workers = async () => (await deaf.get('/v1/workers')).body.data;
    await expectSoon(workers).toHaveLength(5);
    await submitMany(deaf.db, 5, { queue });
    const answers = await Promise.all(waiting);
    expect(answers.map(({ body }) => body.jobs.length)).toEqual([1, 1, 1, 1, 1]);
    await deaf.close();
  });

  it('beats for a worker that waits longer than its lease', async () => {
    await submitOne(api.db, { queue, delayMs: 60_000 });
    const waiting = claim({ worker: 'patient', leaseMs: 2_000, waitMs: 30_000 });
    const beatsFor = async () => {
      const { data } = (await api.get('/v1/workers')).body;
      const session = data.find(({ name }: { name: string }) => name === 'patient');
      return Date.parse(session?.lastBeatAt) - Date.parse(session?.startedAt);
    };
    await expectSoon(beatsFor).toBeGreaterThan(2_000);
    await submitOne(api.db, { queue });
    expect((await waiting).body.jobs).toHaveLength(1);
  });

  it.each([
    [{ worker: '' }, '/worker'],
    [{ worker: 'w\u0000' }, '/worker'],
    [{ limit: 0 }, '/limit'],
    [{ limit: 1_001 }, '/limit'],
    [{ leaseMs: 1_999 }, '/leaseMs'],
    [{ leaseMs: 600_001 }, '/leaseMs'],
    [{ waitMs: 30_001 }, '/waitMs'],
    [{ session: 'no-uuid' }, '/session'],
    [{ types: ['x'] }, '/types'],
  ])('refuses %j', async (body, pointer) => {
    const answer = await claim(body);
    expect(answer.status).toBe(400);
    expect(answer.body.errors[0].pointer).toBe(pointer);
  });
});

describe('a suspect', () => {
  /** Submits a job and lets the worker that claims it die. */
  async function suspect(): Promise<string> {
    const { session, item } = await claimed();
    await lapse(api.db, session);
    await expire(api.db);
    return item?.jobId ?? '';
  }

  it('comes alone, when nothing else is due, and is taken as started', async () => {
    const id = await suspect();
    const [innocent] = await submitMany(api.db, 1, { queue });
    const first = (await claim({ limit: 10 })).body;
    expect(first.jobs.map((job: { id: string }) => job.id)).toEqual([innocent]);
    const { session, jobs } = (await claim({ limit: 10 })).body;
    expect(jobs).toEqual([expect.objectContaining({ id, suspect: true, attempt: 1 })]);
    await lapse(api.db, session);
    await expire(api.db);
    const events = (await api.get(`/v1/jobs/${id}/events`)).body.data;
    expect(events.at(-1)).toMatchObject({ type: 'JobInterrupted', data: { crashed: true } });
  });

  it('does not come to a session that holds one already', async () => {
    const ids = [await suspect(), await suspect()];
    const { session, jobs } = (await claim({ limit: 10 })).body;
    expect(jobs).toHaveLength(1);
    expect((await claim({ limit: 10, session })).body.jobs).toEqual([]);
    const other = (await claim({ limit: 10 })).body.jobs;
    expect(new Set([jobs[0].id, other[0].id])).toEqual(new Set(ids));
  });
});

describe('POST /v1/claims/complete', () => {
  it('records each claim for itself', async () => {
    const { items } = await claimed(2);
    const [first, second] = items;
    const stale = { ...second, leaseToken: newId() };
    const { status, body } = await api.post('/v1/claims/complete', {
      items: [{ ...first, result: { n: 1 } }, stale],
    });
    expect(status).toBe(200);
    expect(body.items).toEqual([
      { jobId: first?.jobId, outcome: 'recorded', state: 'completed' },
      { jobId: second?.jobId, outcome: 'lease-lost' },
    ]);
    expect((await api.get(`/v1/jobs/${first?.jobId}`)).body.result).toEqual({ n: 1 });
    expect(api.observed).toContainEqual({ what: 'outcomeRejected', with: ['lease-lost'] });
    expect(api.observed).toContainEqual({
      what: 'ended',
      with: [{ queue, type: 'x' }, 'completed', expect.any(Number)],
    });
  });

  it('answers a repetition as recorded already, and counts it once', async () => {
    const { items } = await claimed();
    await api.post('/v1/claims/complete', { items });
    const ended = api.observed.filter(({ what }) => what === 'ended').length;
    const { body } = await api.post('/v1/claims/complete', { items });
    expect(body.items[0].outcome).toBe('already-recorded');
    expect(api.observed.filter(({ what }) => what === 'ended')).toHaveLength(ended);
  });

  it('takes 1,000 at once', async () => {
    const { items } = await claimed(1_000);
    const { body } = await api.post('/v1/claims/complete', { items });
    expect(body.items.every(({ outcome }: { outcome: string }) => outcome === 'recorded')).toBe(
      true,
    );
  });

  it('refuses a result of more than 1 MiB, says which it is, and records none', async () => {
    const { items } = await claimed(2);
    const [first, second] = items;
    const { status, body } = await api.post('/v1/claims/complete', {
      items: [first, { ...second, result: 'r'.repeat(1_048_576) }],
    });
    expect(status).toBe(413);
    expect(body).toMatchObject({
      code: 'payload-too-large',
      errors: [{ pointer: '/items/1/result' }],
    });
    for (const { jobId } of items) {
      expect(await story(api.db, jobId)).toEqual(['JobSubmitted', 'JobClaimed']);
    }
  });
});

describe('POST /v1/claims/fail', () => {
  it('lets the job run again, or die', async () => {
    const { items } = await claimed(2);
    const [first, second] = items;
    const { body } = await api.post('/v1/claims/fail', {
      items: [
        { ...first, error, retryDelayMs: 60_000 },
        { ...second, error: { ...error, name: 'Fatal' }, retryable: false },
      ],
    });
    expect(body.items).toEqual([
      { jobId: first?.jobId, outcome: 'recorded', state: 'retrying' },
      { jobId: second?.jobId, outcome: 'recorded', state: 'dead' },
    ]);
    const retrying = (await api.get(`/v1/jobs/${first?.jobId}`)).body;
    expect(retrying).toMatchObject({ failures: 1, error: { name: 'Error', message: 'no luck' } });
    const labels = { queue, type: 'x' };
    const any = expect.any(Number);
    expect(api.observed).toContainEqual({ what: 'failed', with: [labels] });
    expect(api.observed).toContainEqual({ what: 'ended', with: [labels, 'retried', any] });
    expect(api.observed).toContainEqual({ what: 'ended', with: [labels, 'dead', any] });
  });

  it('keeps of an error what can be kept', async () => {
    const { item } = await claimed();
    const wild = { name: 'n'.repeat(9_999), message: `a\u0000\uD800${'m'.repeat(99_000)}` };
    const { status } = await api.post('/v1/claims/fail', { items: [{ ...item, error: wild }] });
    expect(status).toBe(200);
    const kept = (await api.get(`/v1/jobs/${item?.jobId}`)).body.error;
    expect(kept.name).toHaveLength(100);
    expect(kept.message).toHaveLength(2_000);
    expect(kept.message.startsWith('a\uFFFD\uFFFDm')).toBe(true);
    expect(kept).not.toHaveProperty('stack');
  });
});

describe('POST /v1/claims/snooze and /release', () => {
  it('put a job off, and give it back, without using up an attempt', async () => {
    const { items } = await claimed(2);
    const [first, second] = items;
    const snoozed = await api.post('/v1/claims/snooze', { items: [{ ...first, delayMs: 60_000 }] });
    expect(snoozed.body.items[0]).toMatchObject({ outcome: 'recorded', state: 'scheduled' });
    const released = await api.post('/v1/claims/release', { items: [second] });
    expect(released.body.items[0]).toMatchObject({ outcome: 'recorded', state: 'ready' });
    for (const { jobId } of items) {
      expect((await api.get(`/v1/jobs/${jobId}`)).body).toMatchObject({ failures: 0 });
    }
    expect((await claim()).body.jobs[0]).toMatchObject({ id: second?.jobId, attempt: 1 });
  });

  it('grant a wish to cancel', async () => {
    const { item } = await claimed();
    await api.post(`/v1/jobs/${item?.jobId}/cancel`);
    const { body } = await api.post('/v1/claims/release', { items: [item] });
    expect(body.items[0]).toMatchObject({ outcome: 'recorded', state: 'cancelled' });
  });
});

describe('every outcome', () => {
  const verbs = [
    ['complete', {}],
    ['fail', { error }],
    ['snooze', { delayMs: 1 }],
    ['release', {}],
  ] as const;

  it.each(verbs)('%s loses a lease that was given to another', async (verb, more) => {
    const { session, item } = await claimed();
    await lapse(api.db, session);
    await expire(api.db);
    const { status, body } = await api.post(`/v1/claims/${verb}`, {
      items: [{ ...item, ...more }],
    });
    expect(status).toBe(200);
    expect(body.items).toEqual([{ jobId: item?.jobId, outcome: 'lease-lost' }]);
  });

  it('is not told as lost while others keep changing the job', async () => {
    const { item } = await claimed();
    const database = { ...api.db.database };
    // Every decision comes too late.
    database.run = (statement, params) =>
      statement.name === 'commit-decisions'
        ? Promise.resolve([{ kept: [] } as never])
        : api.db.database.run(statement, params);
    const app = createServer({
      context: { ...api.db.context, database },
      consumers: createConsumerControl(database, api.db.wakeUp, []),
      metricsText: () => Promise.resolve(''),
      version: '0',
      instance: 'unlucky',
      isDraining: () => false,
    });
    const answer = await app.inject({
      method: 'POST',
      url: '/v1/claims/release',
      payload: { items: [item] },
    });
    expect(answer.statusCode).toBe(409);
    expect(answer.json()).toMatchObject({ code: 'concurrent-change', retryable: true });
    await app.close();
    const { body } = await api.post('/v1/claims/release', { items: [item] });
    expect(body.items[0].outcome).toBe('recorded');
  });

  it.each(verbs)('%s refuses what is no list of claims', async (verb, more) => {
    const item = { jobId: newId(), leaseToken: newId(), ...more };
    const wrong = [
      [{}, '/items'],
      [{ items: [] }, '/items'],
      [{ items: Array.from({ length: 1_001 }, () => item) }, '/items'],
      [{ items: [item, item] }, '/items/1/jobId'],
      [{ items: [{ ...item, jobId: 'no-uuid' }] }, '/items/0/jobId'],
      [{ items: [{ ...item, leaseToken: item.leaseToken.toUpperCase() }] }, '/items/0/leaseToken'],
      [{ items: [{ ...item, outcome: 'done' }] }, '/items/0/outcome'],
    ] as const;
    for (const [body, pointer] of wrong) {
      const answer = await api.post(`/v1/claims/${verb}`, body);
      expect(answer.status).toBe(400);
      expect(answer.body.errors[0].pointer).toBe(pointer);
    }
  });
});
