import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { claimJobs, fromTheFront } from '../../../src/commands/work/claim-jobs.ts';
import { completeJobs } from '../../../src/commands/work/complete-jobs.ts';
import { writeNotes } from '../../../src/store/statements/write-notes.ts';
import { expectSoon } from '../../support/expect-soon.ts';
import { claimOne, submitMany, submitOne } from '../../support/job-steps.ts';
import { newId } from '../../support/test-database.ts';
import { createTestApi, type TestApi } from './api-server.ts';

let api: TestApi;
beforeAll(async () => {
  api = await createTestApi();
  await api.startReaders();
});
afterAll(async () => {
  await api.close();
});

const unknown = '/v1/jobs/01a20140-a356-775a-94ad-ec0098a8355a';

describe('GET /v1/jobs/{id}', () => {
  it('tells everything of a job that has lived', async () => {
    const job = await claimOne(api.db, { type: 'x', payload: { a: 1 } });
    const { id: jobId, leaseToken, session } = job;
    await api.db.database.run(writeNotes, {
      notes: [{ jobId, progress: '{"done":50}', lines: ['half'] }],
    });
    const error = { name: 'Oops', message: 'no luck', stack: 'Oops: no luck\n  at home' };
    await api.post('/v1/claims/fail', { items: [{ jobId, leaseToken, error, retryDelayMs: 0 }] });
    const request = { queue: job.queue, session, limit: 1, suspects: false, maxBytes: 1_000 };
    const [again] = await claimJobs(api.db.context, { ...request, cursorsMs: fromTheFront });
    const result = { ok: [true, null] };
    await completeJobs(api.db.context, [
      { id: jobId, leaseToken: again?.leaseToken ?? '', result },
    ]);

    const { status, body } = await api.get(`/v1/jobs/${jobId}`);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      id: jobId,
      state: 'completed',
      version: 6,
      failures: 1,
      payload: { a: 1 },
      result,
      progress: { done: 50 },
      error,
      session: null,
      token: `1.${jobId}.6`,
    });
    expect(body.attempts).toEqual([
      expect.objectContaining({ attempt: 1, session, outcome: 'failed', error }),
      expect.objectContaining({ attempt: 2, session, outcome: 'completed', error: null }),
    ]);
    expect(Date.parse(body.endedAt)).toBeGreaterThanOrEqual(Date.parse(body.startedAt));
  });

  it('shows a running job without its lease token, wherever it is asked', async () => {
    const { id, leaseToken, session } = await claimOne(api.db);
    const paths = [`/v1/jobs/${id}`, `/v1/jobs/${id}/events`, '/v1/jobs', '/v1/workers'];
    const answers = await Promise.all(paths.map((path) => api.get(path)));
    expect(answers[0]?.body).toMatchObject({ state: 'running', session });
    expect(answers[1]?.body.data[1]).toMatchObject({ type: 'JobClaimed', data: { session } });
    for (const { text } of answers) {
      expect(text).not.toContain(leaseToken);
      expect(text).not.toContain('leaseToken');
    }
  });

  it.each([unknown, '/v1/jobs/no-uuid', '/v1/jobs/%00', `${unknown}?waitMs=1`])(
    'does not find %s',
    async (path) => {
      const { status, body } = await api.get(path);
      expect(status).toBe(404);
      expect(body.code).toBe('job-not-found');
    },
  );

  it('takes an id in capitals', async () => {
    const id = await submitOne(api.db);
    expect((await api.get(`/v1/jobs/${id.toUpperCase()}`)).body.id).toBe(id);
  });

  it('answers as soon as the job has ended', async () => {
    const { id, leaseToken } = await claimOne(api.db);
    const waiting = api.get(`/v1/jobs/${id}?waitMs=30000`);
    const before = performance.now();
    await api.post('/v1/claims/complete', { items: [{ jobId: id, leaseToken, result: 7 }] });
    expect((await waiting).body).toMatchObject({ state: 'completed', result: 7 });
    expect(performance.now() - before).toBeLessThan(10_000);
  });

  it('answers the job as it is when the time is over', async () => {
    const id = await submitOne(api.db);
    const { status, body } = await api.get(`/v1/jobs/${id}?waitMs=50`);
    expect(status).toBe(200);
    expect(body.state).toBe('ready');
  });

  it.each(['waitMs=60001', 'waitMs=-1', 'waitMs=x', 'wait=1', 'waitMs=1&waitMs=2'])(
    'refuses ?%s',
    async (query) => {
      const { status, body } = await api.get(`${unknown}?${query}`);
      expect(status).toBe(400);
      expect(body.errors[0].pointer).toMatch(/^\/query\/wait/);
    },
  );
});

describe('GET /v1/jobs/{id}/events', () => {
  it('tells the whole history, with positions once there are any', async () => {
    const id = await submitOne(api.db, { tags: ['a'] });
    await api.post(`/v1/jobs/${id}/cancel`, { reason: 'enough' }, { 'x-actor': 'ada' });
    const position = async () => (await api.get(`/v1/jobs/${id}/events`)).body.data.at(-1).position;
    await expectSoon(position).toMatch(/^[1-9]\d*$/);
    const { data } = (await api.get(`/v1/jobs/${id}/events`)).body;
    expect(data).toMatchObject([
      { version: 1, type: 'JobSubmitted', actor: null, data: { type: 'x', tags: ['a'] } },
      { version: 2, type: 'JobCancelled', actor: 'ada', data: { reason: 'enough' } },
    ]);
    expect(BigInt(data[1].position)).toBeGreaterThan(BigInt(data[0].position));
  });

  it('does not find an unknown job', async () => {
    expect((await api.get(`${unknown}/events`)).body.code).toBe('job-not-found');
  });
});

describe('GET /v1/jobs/{id}/logs', () => {
  it('gives lines page by page', async () => {
    const jobId = await submitOne(api.db);
    const lines = ['one', 'two', 'three'];
    const notes = [{ jobId, progress: null, lines }];
    await api.db.database.run(writeNotes, { notes });
    const first = (await api.get(`/v1/jobs/${jobId}/logs?pageSize=2`)).body;
    expect(first.data).toMatchObject([
      { line: 0, message: 'one' },
      { line: 1, message: 'two' },
    ]);
    expect(first.nextAfter).toBe(1);
    const second = (await api.get(`/v1/jobs/${jobId}/logs?after=${first.nextAfter}`)).body;
    expect(second).toEqual({ data: [expect.objectContaining({ line: 2, message: 'three' })] });
  });

  it('tells a job without lines from no job', async () => {
    const id = await submitOne(api.db);
    expect((await api.get(`/v1/jobs/${id}/logs`)).body).toEqual({ data: [] });
    expect((await api.get(`${unknown}/logs`)).status).toBe(404);
    expect((await api.get('/v1/jobs/no-uuid/logs')).status).toBe(404);
  });
});

describe('GET /v1/jobs', () => {
  /** The ids of a whole list, page by page. */
  async function listed(query: string): Promise<string[]> {
    const ids: string[] = [];
    let next: string | undefined;
    do {
      const token = next === undefined ? '' : `&pageToken=${next}`;
      const { status, body } = await api.get(`/v1/jobs?${query}${token}`);
      expect([status, body.detail]).toEqual([200, undefined]);
      ids.push(...body.data.map(({ id }: { id: string }) => id));
      next = body.nextPageToken;
    } while (next !== undefined);
    return ids;
  }
  const after = (id: string, version = 1) => `after=1.${id}.${version}`;

  it('lists newest first, page by page, without a gap or a repetition', async () => {
    const ids = await submitMany(api.db, 25, { queue: 'paged' });
    const query = `queue=paged&pageSize=10&${after(ids.at(-1) ?? '')}`;
    expect(await listed(query)).toEqual(ids.toReversed());
  });

  it('filters by state, type, tag, time and error', async () => {
    const queue = 'filtered';
    const ready = await submitOne(api.db, { queue, type: 'a', tags: ['red', 'blue'] });
    const scheduled = await submitOne(api.db, { queue, type: 'b', delayMs: 60_000 });
    const failing = await submitOne(api.db, { queue, type: 'c', priority: 0, maxAttempts: 1 });
    const claim = { worker: 'w', limit: 1 };
    const { body } = await api.post(`/v1/queues/${queue}/claim`, claim);
    const [{ id, leaseToken }] = body.jobs;
    expect(id).toBe(failing);
    const error = { name: 'Timeout', message: 'the provider was slow' };
    await api.post('/v1/claims/fail', { items: [{ jobId: id, leaseToken, error }] });
    const last = `queue=${queue}&${after(failing, 4)}`;
    expect(await listed(last)).toEqual([failing, scheduled, ready]);
    expect(await listed(`${last}&state=ready`)).toEqual([ready]);
    expect(await listed(`${last}&state=scheduled`)).toEqual([scheduled]);
    expect(await listed(`${last}&state=dead`)).toEqual([failing]);
    expect(await listed(`${last}&type=b`)).toEqual([scheduled]);
    expect(await listed(`${last}&tag=blue`)).toEqual([ready]);
    expect(await listed(`${last}&error=Timeout`)).toEqual([failing]);
    expect(await listed(`${last}&error=provider`)).toEqual([failing]);
    expect(await listed(`${last}&submittedAfter=2100-01-01T00:00:00Z`)).toEqual([]);
    expect(await listed(`${last}&submittedBefore=2100-01-01T00:00:00Z`)).toHaveLength(3);
    const dead = (await api.get(`/v1/jobs?${last}&state=dead`)).body.data[0];
    expect(dead).toMatchObject({ state: 'dead', failures: 1, error });
  });

  it('makes no type of a word that was only looked for', async () => {
    expect(await listed('type=nobody-has-it')).toEqual([]);
    const { rowCount } = await api.db.database.pool.query(
      `select from ${api.db.schema}.job_types where name = 'nobody-has-it'`,
    );
    expect(rowCount).toBe(0);
  });

  it('says up to where it is', async () => {
    const id = await submitOne(api.db);
    const { asOf } = (await api.get(`/v1/jobs?${after(id)}`)).body;
    const [event] = (await api.get(`/v1/jobs/${id}/events`)).body.data;
    expect(BigInt(asOf.position)).toBeGreaterThanOrEqual(BigInt(event.position));
  });

  it('refuses a token of another filter, and one that is none', async () => {
    await submitMany(api.db, 2, { queue: 'tokens' }).then((ids) =>
      api.get(`/v1/jobs?${after(ids.at(-1) ?? '')}`),
    );
    const { nextPageToken } = (await api.get('/v1/jobs?queue=tokens&pageSize=1')).body;
    expect(nextPageToken).toEqual(expect.any(String));
    for (const query of [
      `queue=tokens&state=ready&pageToken=${nextPageToken}`,
      `queue=default&pageToken=${nextPageToken}`,
      'queue=tokens&pageToken=abc',
      'queue=tokens&pageToken=',
    ]) {
      const { status, body } = await api.get(`/v1/jobs?${query}`);
      expect([query, status]).toEqual([query, 400]);
      expect(body.errors[0].pointer).toBe('/query/pageToken');
    }
  });

  it.each([
    ['state=waiting', '/query/state'],
    ['queue=Q', '/query/queue'],
    ['pageSize=0', '/query/pageSize'],
    ['pageSize=-5', '/query/pageSize'],
    ['submittedAfter=yesterday', '/query/submittedAfter'],
    ['tag=', '/query/tag'],
    ['limit=5', '/query/limit'],
    ['after=1.2', '/query/after'],
    [`after=1.${newId()}.1`, '/query/after'],
  ])('refuses ?%s', async (query, pointer) => {
    const { status, body } = await api.get(`/v1/jobs?${query}`);
    expect(status).toBe(400);
    expect(body.errors[0].pointer).toBe(pointer);
  });

  it('brings a larger page size down to 1,000', async () => {
    const ids = await submitMany(api.db, 1_001, { queue: 'large' });
    const query = `queue=large&pageSize=5000&${after(ids.at(-1) ?? '')}`;
    expect((await api.get(`/v1/jobs?${query}`)).body.data).toHaveLength(1_000);
  });

  it('does not find an unknown queue', async () => {
    expect((await api.get('/v1/jobs?queue=nowhere')).body.code).toBe('queue-not-found');
  });
});
