import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { ApiLimits } from '../../../src/api/dependencies.ts';
import { createServer } from '../../../src/api/server.ts';
import { createConsumerControl } from '../../../src/consumers/consumer-control.ts';
import { projections } from '../../../src/projections/registry.ts';
import { openTestDaybook, type TestDaybook } from '../../support/open-daybook.ts';
import { PATIENCE_MS } from '../../support/patience.ts';

const POOL = 2;
let daybook: TestDaybook;
let app: FastifyInstance;

function serve(limits: Partial<ApiLimits>): FastifyInstance {
  const { context } = daybook;
  return createServer({
    context,
    consumers: createConsumerControl(context.database, context.wakeUp, projections),
    metricsText: () => Promise.resolve(''),
    version: 'test',
    instance: 'test',
    isDraining: () => false,
    limits,
  });
}

beforeAll(async () => {
  daybook = await openTestDaybook({ poolSize: POOL });
  // One that has time, so that nothing but what is tested is refused.
  app = serve({ bodiesBytes: 1_000, queueMs: PATIENCE_MS });
  await app.listen({ host: '127.0.0.1', port: 0 });
});
afterAll(async () => {
  await app.close();
  await daybook.close();
});

const submit = (queue: string, to = app) =>
  to.inject({ method: 'POST', url: '/v1/jobs', payload: { type: 'x', queue } });

async function limit(queue: string, maxWaiting: number): Promise<void> {
  const url = `/v1/queues/${queue}`;
  const { statusCode } = await app.inject({
    method: 'PATCH',
    url,
    payload: { settings: { maxWaiting } },
  });
  expect(statusCode).toBe(200);
}

describe('submissions', () => {
  it('to a queue in which as many wait as may are refused, and write nothing', async () => {
    expect((await submit('full')).statusCode).toBe(201);
    await limit('full', 3);
    const refused = await vi.waitFor(async () => {
      const answer = await submit('full');
      expect(answer.statusCode).toBe(429);
      return answer;
    });
    expect(refused.headers['retry-after']).toMatch(/^[1-9]\d*$/);
    expect(refused.json()).toMatchObject({ code: 'queue-full', retryable: true, maxWaiting: 3 });
    const count = () =>
      daybook.db.database.pool.query<{ n: number }>(
        `select count(*)::int as n from daybook.job_payloads p
         join daybook.job_claims c on c.id = p.job_id
         join daybook.queues q on q.id = c.queue_id where q.name = 'full'`,
      );
    const before = (await count()).rows;
    expect((await submit('full')).statusCode).toBe(429);
    expect((await count()).rows).toEqual(before);
    expect((await submit('other')).statusCode).toBe(201);
  });

  it('to a queue with room again pass again', async () => {
    await limit('full', 1_000);
    await vi.waitFor(async () => expect((await submit('full')).statusCode).toBe(201));
  });
});

describe('while requests wait for a connection', () => {
  it('new ones are turned away at once, and outcomes are not', async () => {
    const { pool } = daybook.context.database;
    const hasty = serve({});
    const held = await Promise.all(Array.from({ length: POOL }, () => pool.connect()));
    const waits = submit('other');
    await vi.waitFor(() => expect(daybook.context.database.waitingMs()).toBeGreaterThan(1_000));
    const refused = await submit('other', hasty);
    const outcome = hasty.inject({
      method: 'POST',
      url: '/v1/claims/complete',
      payload: {
        items: [{ jobId: daybook.context.newId(), leaseToken: daybook.context.newId() }],
      },
    });
    const outcomeWaits = await Promise.race([outcome, Promise.resolve('it waits')]);
    for (const client of held) client.release();
    expect(refused.statusCode).toBe(503);
    expect(refused.json()).toMatchObject({ code: 'overloaded', retryable: true });
    expect(refused.headers['retry-after']).toMatch(/^[1-9]\d*$/);
    expect(outcomeWaits).toBe('it waits');
    expect((await outcome).statusCode).not.toBe(503);
    expect((await waits).statusCode).toBe(201);
    await hasty.close();
  });
});

describe('bodies', () => {
  it('that come while others fill the memory are refused before they are read', async () => {
    const { port } = app.server.address() as AddressInfo;
    const slow = connect(port, '127.0.0.1');
    slow.write(
      'POST /v1/jobs HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n' +
        'content-length: 900\r\nexpect: 100-continue\r\n\r\n{',
    );
    // It has been let in when it is told to go on.
    const [told] = (await once(slow, 'data')) as [Buffer];
    expect(String(told)).toMatch(/^HTTP\/1.1 100 /);
    const payload = { type: 'x', queue: 'other', payload: 'x'.repeat(200) };
    const refused = await app.inject({ method: 'POST', url: '/v1/jobs', payload });
    expect(refused.statusCode).toBe(503);
    expect(refused.json()).toMatchObject({ code: 'overloaded', retryable: true });
    slow.destroy();
    await vi.waitFor(async () => {
      const answer = await app.inject({ method: 'POST', url: '/v1/jobs', payload });
      expect(answer.statusCode).toBe(201);
    });
  });
});
