import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createConsumerControl } from '../../../src/consumers/consumer-control.ts';
import { projections } from '../../../src/projections/registry.ts';
import { createTestApi, type TestApi } from './api-server.ts';

let api: TestApi;
beforeAll(async () => {
  api = await createTestApi();
});
afterAll(() => api.close());

const path = '/v1/projections/queue-counters/rebuild';
const builds = async () => {
  const { body } = await api.get('/v1/projections');
  return (body.data as { name: string; build: number; role: string; halted: string | null }[])
    .filter(({ name }) => name === 'queue-counters')
    .map(({ build, role, halted }) => [build, role, halted]);
};

describe('consumers over HTTP', () => {
  it('show how far they are, rebuild, pause, go on and are aborted', async () => {
    expect((await api.get('/v1/consumers')).body.data).toHaveLength(projections.length);
    expect((await api.ask('POST', path)).status).toBe(204);
    expect(await builds()).toEqual([
      [1, 'live', null],
      [2, 'building', null],
    ]);
    expect((await api.ask('POST', path)).body).toMatchObject({
      status: 409,
      code: 'rebuild-in-progress',
    });
    expect((await api.ask('POST', `${path}/pause`)).status).toBe(204);
    expect((await builds())[1]).toEqual([2, 'building', 'paused']);
    expect((await api.ask('POST', `${path}/resume`)).status).toBe(204);
    expect((await api.ask('DELETE', path)).status).toBe(204);
    expect(await builds()).toEqual([[1, 'live', null]]);
    expect((await api.ask('DELETE', path)).body.code).toBe('consumer-not-found');
  });

  it('stand still when paused, and say so', async () => {
    const consumer = '/v1/consumers/queue-counters';
    expect((await api.ask('POST', `${consumer}/pause`)).status).toBe(204);
    expect((await builds())[0]).toEqual([1, 'live', 'paused']);
    expect((await api.ask('POST', `${consumer}/resume`)).status).toBe(204);
    expect((await builds())[0]).toEqual([1, 'live', null]);
    expect((await api.get(`${consumer}/parked`)).body).toEqual({ data: [] });
  });

  it('whose checkpoint is ahead of the log say so', async () => {
    const { database, schema } = api.db;
    const putAt = (position: number) =>
      database.pool.query(`update ${schema}.consumer_checkpoints set position = $1`, [position]);
    await putAt(1_000);
    const { body } = await api.get('/v1/consumers');
    expect(body.data).toHaveLength(projections.length);
    for (const consumer of body.data) {
      expect(consumer).toMatchObject({
        position: '1000',
        head: '0',
        lagEvents: 0,
        moving: false,
        failure: { name: 'CheckpointAhead', message: expect.stringMatching(/ends at 0/) },
      });
    }
    await putAt(0);
  });

  it('answer 404 for what there is not', async () => {
    const stream = '0198e0f2-6f2c-7cc3-98c1-2f5d4c1a7b11';
    const asked = [
      await api.ask('POST', '/v1/projections/nothing/rebuild'),
      await api.ask('POST', '/v1/consumers/nothing/pause'),
      await api.get('/v1/consumers/nothing/parked'),
      await api.ask('POST', `/v1/consumers/queue-counters/parked/${stream}/retry`),
      await api.ask('POST', `/v1/consumers/queue-counters/parked/${stream}/skip`),
    ];
    for (const { status, body } of asked) {
      expect({ status, code: body.code }).toEqual({ status: 404, code: 'consumer-not-found' });
    }
    expect((await api.get('/v1/consumers/no_such/parked')).status).toBe(400);
  });

  it('show what is parked, page by page, and let operators retry and skip', async () => {
    const { db } = api;
    const stream = '0198e0f2-6f2c-7cc3-98c1-2f5d4c1a7b11';
    const put = (position: number) =>
      db.database.pool.query(
        `insert into ${db.schema}.parked_events values
         ('queue-counters', 1, $1, $2, 'parked', 3, '{"name": "E", "message": "m"}', now())`,
        [position, stream],
      );
    for (const position of [7, 8, 9]) await put(position);
    const parked = '/v1/consumers/queue-counters/parked';
    const page = await api.get(`${parked}?pageSize=2`);
    expect(page.body).toMatchObject({
      data: [{ position: '7' }, { position: '8' }],
      nextAfter: '8',
    });
    const next = await api.get(`${parked}?after=8`);
    expect(next.body).toMatchObject({ data: [{ position: '9', error: { message: 'm' } }] });
    expect((await api.ask('POST', `${parked}/${stream}/skip`)).status).toBe(204);
    const control = createConsumerControl(db.database, db.wakeUp, projections);
    await vi.waitFor(async () =>
      expect((await control.parked('queue-counters', 0n, 9)).map(({ state }) => state)).toEqual([
        'skipped',
        'retrying',
        'retrying',
      ]),
    );
    expect((await api.ask('POST', `${parked}/${stream}/retry`)).status).toBe(204);
  });
});
