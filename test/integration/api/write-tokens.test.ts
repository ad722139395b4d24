import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createServer } from '../../../src/api/server.ts';
import { createConsumerControl } from '../../../src/consumers/consumer-control.ts';
import { projections } from '../../../src/projections/registry.ts';
import { createEpochControl } from '../../../src/store/epoch/epoch-control.ts';
import { silentObserver } from '../../../src/kernel/observer.ts';
import { submitOne } from '../../support/job-steps.ts';
import { newId } from '../../support/test-database.ts';
import { PATIENCE_MS } from '../../support/patience.ts';
import { createTestApi, type TestApi } from './api-server.ts';

let api: TestApi;
/** Submitted in epoch 1. */
let old: string;
/** Submitted in epoch 2. */
let young: string;

beforeAll(async () => {
  api = await createTestApi();
  await api.startReaders();
  old = await submitOne(api.db, { delayMs: 60_000 });
  await createEpochControl(api.db.database, silentObserver).open('a test');
  young = await submitOne(api.db, { delayMs: 60_000 });
  await api.ask('PATCH', `/v1/jobs/${old}`, { priority: 1 });
});
afterAll(() => api.close());

const listAfter = async (token: string) => {
  const { status, body } = await api.get(`/v1/jobs?after=${token}`);
  return [status, body.code];
};

describe('a write token of one process', () => {
  it('shows what was written to who asks another process', async () => {
    const { context } = await api.db.anotherProcess();
    const other = createServer({
      context,
      consumers: createConsumerControl(context.database, context.wakeUp, projections),
      metricsText: () => Promise.resolve(''),
      version: 'test',
      instance: 'other',
      isDraining: () => false,
      limits: { queueMs: PATIENCE_MS },
    });
    for (let turn = 0; turn < 5; turn += 1) {
      const queue = `elsewhere-${turn}`;
      const { body } = await api.post('/v1/jobs', { type: 'x', queue, delayMs: 60_000 });
      const ask = async (path: string) => {
        const answer = await vi.waitFor(async () => {
          const url = `${path}${path.includes('?') ? '&' : '?'}after=${body.token}`;
          const asked = await other.inject(url);
          // It waits for a second, which may be too short.
          expect(asked.statusCode).not.toBe(503);
          return asked;
        });
        expect([path, answer.statusCode]).toEqual([path, 200]);
        return answer.json<{ data: { id: string; name: string }[] }>().data;
      };
      expect((await ask(`/v1/jobs?queue=${queue}`)).map(({ id }) => id)).toEqual([body.job.id]);
      expect((await ask('/v1/queues')).map(({ name }) => name)).toContain(queue);
      await ask('/v1/stats');
      await ask('/v1/failures');
    }
    await other.close();
  });
});

describe('a write token of a queue', () => {
  it('makes a list wait for it as that of a job does', async () => {
    const paused = await api.post('/v1/queues/default/pause', { reason: 'deploy' });
    // This test's process knows of no other epoch than its first.
    const token = (paused.body.token as string).replace(/^1/, '2');
    expect(token).toMatch(/^2\..+\.2$/);
    for (const list of ['jobs', 'queues', 'failures']) {
      expect((await api.get(`/v1/${list}?after=${token}`)).status).toBe(200);
    }
    const [, streamId] = token.split('.');
    expect(await listAfter(`2.${streamId}.3`)).toEqual([400, 'invalid-request']);
    expect(await listAfter(`1.${streamId}.1`)).toEqual([200, undefined]);
    await api.post('/v1/queues/default/resume', {});
  });
});

describe('a write token of an old epoch', () => {
  it('is as good as any while its event is in the log', async () => {
    expect(await listAfter(`1.${old}.1`)).toEqual([200, undefined]);
    expect(await listAfter(`2.${old}.2`)).toEqual([200, undefined]);
  });

  it('is good for a birth that was written by a process that had not heard of the new one', async () => {
    expect(await listAfter(`1.${young}.1`)).toEqual([200, undefined]);
  });

  it('says that its event is lost, where there is none or another one', async () => {
    expect(await listAfter(`1.${old}.2`)).toEqual([410, 'write-lost']);
    expect(await listAfter(`1.${newId()}.1`)).toEqual([410, 'write-lost']);
    // Of an epoch that the log went back behind.
    expect(await listAfter(`7.${old}.3`)).toEqual([410, 'write-lost']);
    const { body } = await api.get(`/v1/jobs?after=1.${old}.2`);
    expect(body).toMatchObject({ epoch: 2, retryable: false });
    for (const list of ['queues', 'queues/default', 'stats', 'failures']) {
      expect((await api.get(`/v1/${list}?after=1.${old}.2`)).status).toBe(410);
    }
  });

  it('is told from one of the present epoch that never was', async () => {
    expect(await listAfter(`2.${old}.3`)).toEqual([400, 'invalid-request']);
    expect(await listAfter(`2.${newId()}.1`)).toEqual([400, 'invalid-request']);
  });
});
