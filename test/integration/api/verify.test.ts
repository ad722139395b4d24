import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createTestApi, type TestApi } from './api-server.ts';

let api: TestApi;
beforeAll(async () => {
  api = await createTestApi();
  await api.startReaders();
});
afterAll(() => api.close());

/** The end of a run that was answered on its way. */
async function ended(location: unknown) {
  return vi.waitFor(async () => {
    const { body } = await api.get(String(location));
    expect(body.state).not.toBe('running');
    return body;
  });
}

describe('POST /v1/verify', () => {
  it('answers a run that finds nothing', async () => {
    const submitted = await api.post('/v1/jobs', { type: 'x', queue: 'verified' });
    expect(submitted.status).toBe(201);
    const { status, headers, body } = await api.post('/v1/verify');
    expect([200, 202]).toContain(status);
    expect(headers['location']).toBe(`/v1/verify/${body.id}`);
    expect(await ended(headers['location'])).toMatchObject({
      id: body.id,
      state: 'finished',
      failure: null,
      report: {
        equal: true,
        differences: [],
        counts: {},
        checked: { jobs: 1, claimRows: 1 },
        safety: null,
      },
    });
  });

  it('tells what differs', async () => {
    const pool = api.db.database.pool;
    await pool.query(`update ${api.db.schema}.job_claims set priority = 9`);
    const { headers } = await api.post('/v1/verify', { bodies: false, safety: true });
    const { report } = await ended(headers['location']);
    expect(report).toMatchObject({
      equal: false,
      safety: { safe: true, violations: [], facts: { jobs: 1, live: 1 } },
      differences: [{ kind: 'column-differs', column: 'priority', expected: 4, found: 9 }],
      counts: { 'column-differs': 1 },
    });
  });

  it('refuses what it does not know', async () => {
    expect((await api.post('/v1/verify', { fast: true })).status).toBe(400);
  });
});

describe('GET /v1/verify/{id}', () => {
  it('does not know a run of another process', async () => {
    const { status, body } = await api.get('/v1/verify/0198e0f2-6f2c-7cc3-98c1-2f5d4c1a7b11');
    expect([status, body.code]).toEqual([404, 'verification-not-found']);
  });
});
