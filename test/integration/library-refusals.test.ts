import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { changeQueue } from '../../src/commands/change/change-queue.ts';
import { type Daybook, defineJob, openDaybook } from '../../src/daybook.ts';
import { createTestDatabase } from '../support/test-database.ts';
import { openTestDaybook, type TestDaybook } from '../support/open-daybook.ts';

const jobs = [
  defineJob({ type: 'count', payload: z.object({ n: z.number() }), handler: () => null }),
];
let daybook: TestDaybook;
beforeAll(async () => {
  daybook = await openTestDaybook({ jobs });
});
afterAll(() => daybook.close());

const HOUR = 3_600_000;
const submit = () => daybook.submit({ type: 'count', payload: { n: 1 }, delayMs: HOUR });

describe('after close', () => {
  const id = '01a20140-a356-775a-94ad-ec0098a8355a';
  const methods: readonly [string, (closed: Daybook) => Promise<unknown>][] = [
    ['submit', (closed) => closed.submit({ type: 'x' })],
    ['submitMany', (closed) => closed.submitMany([])],
    ['get', (closed) => closed.get(id)],
    ['history', (closed) => closed.history(id)],
    ['waitFor', (closed) => closed.waitFor(id)],
    ['cancel', (closed) => closed.cancel(id)],
    ['retry', (closed) => closed.retry(id)],
    ['reschedule', (closed) => closed.reschedule(id, 1)],
    ['edit', (closed) => closed.edit(id, { priority: 1 })],
    ['move', (closed) => closed.move(id, 'x')],
    ['pauseQueue', (closed) => closed.pauseQueue('x')],
    ['resumeQueue', (closed) => closed.resumeQueue('x')],
    ['worker', async (closed) => closed.worker()],
  ];

  it.each(['its own', 'the caller’s'])(
    'every method is refused, on a pool of %s',
    async (whose) => {
      const { pool } = daybook.context.database;
      const { connectionString } = daybook.db;
      const where = whose === 'its own' ? { connectionString } : { pool };
      const closed = await openDaybook({ ...where, maintain: false });
      const worker = closed.worker();
      await closed.close();
      for (const [name, call] of methods) {
        const error: unknown = await call(closed).catch((thrown: unknown) => thrown);
        expect([name, error]).toEqual([name, expect.objectContaining({ code: 'closed' })]);
      }
      const started = worker.start();
      if (whose === 'its own') await expect(started).rejects.toMatchObject({ code: 'closed' });
      else {
        await started;
        await worker.stop();
      }
    },
  );

  it('a handler that still runs may go on submitting', async () => {
    const db = await createTestDatabase();
    let open: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const begun = vi.fn<() => void>();
    const closing: Daybook = await openDaybook({
      connectionString: db.connectionString,
      jobs: [
        defineJob({
          type: 'parent',
          payload: z.unknown(),
          handler: async () => {
            begun();
            await gate;
            await closing.submit({ type: 'child', queue: 'children' });
          },
        }),
      ],
    });
    await closing.worker({ pollMs: 20 }).start();
    await closing.submit({ type: 'parent' });
    await vi.waitFor(() => expect(begun).toHaveBeenCalled());
    const closed = closing.close();
    open();
    await closed;
    const { rows } = await db.database.pool.query<{ name: string }>(
      'select q.name from daybook.job_claims c join daybook.queues q on q.id = c.queue_id',
    );
    expect(rows).toEqual([{ name: 'children' }]);
    await db.drop();
  });
});

describe('what Postgres could not keep', () => {
  const long = 'x'.repeat(20_000);
  it.each([
    ['/idempotencyKey', () => daybook.submit({ type: 'x' }, { idempotencyKey: 'a\u0000b' })],
    ['/idempotencyKey', () => daybook.submit({ type: 'x' }, { idempotencyKey: long })],
    ['/idempotencyKey', () => daybook.submit({ type: 'x' }, { idempotencyKey: '' })],
    ['/actor', () => daybook.submit({ type: 'x' }, { actor: 'a\u0000b' })],
    ['/causation', () => daybook.submit({ type: 'x' }, { causation: '\uD800' })],
    ['/actor', async () => daybook.cancel((await submit()).id, { actor: '\u0000' })],
    ['/reason', async () => daybook.cancel((await submit()).id, { reason: '\u0000' })],
    ['/reason', async () => daybook.move((await submit()).id, 'y', { reason: '\uDC00' })],
    ['/reason', async () => daybook.retry((await submit()).id, { reason: long })],
    ['/reason', async () => daybook.pauseQueue('default', { reason: '\u0000' })],
    ['/actor', async () => daybook.resumeQueue('default', { actor: '\u0000' })],
    ['/delayMs', async () => daybook.retry((await submit()).id, { delayMs: -1 })],
  ])('is refused and named: %s', async (pointer, call) => {
    await expect(call()).rejects.toMatchObject({
      code: 'invalid-request',
      fields: [{ pointer }],
    });
  });

  it('is no queue', async () => {
    await expect(daybook.pauseQueue('a\u0000b')).rejects.toMatchObject({ code: 'queue-not-found' });
    const { context } = daybook;
    const pause = { kind: 'pause', reason: null } as const;
    await expect(changeQueue(context, 'Ä', pause)).rejects.toMatchObject({
      code: 'queue-not-found',
    });
  });
});

describe('an edit', () => {
  it('is held to the schema of the job’s type, like a submission', async () => {
    const { id } = await submit();
    await expect(daybook.edit(id, { payload: { n: 'one' } })).rejects.toMatchObject({
      code: 'payload-invalid',
      fields: [{ pointer: '/payload/n' }],
    });
    expect((await daybook.get(id))?.payload).toEqual({ n: 1 });
    await daybook.edit(id, { payload: { n: 2 } });
    expect((await daybook.get(id))?.payload).toEqual({ n: 2 });
  });

  it('of a job that is not there is refused', async () => {
    const nobody = daybook.context.newId();
    await expect(daybook.edit(nobody, { payload: 1 })).rejects.toMatchObject({
      code: 'job-not-found',
    });
  });
});

describe('an error that nobody foresaw', () => {
  it('is internal, with its cause', async () => {
    await daybook.db.database.pool.query(
      'alter table daybook.job_payloads add check (false) not valid',
    );
    const error: unknown = await submit().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'internal', cause: { code: '23514' } });
    await daybook.db.database.pool.query(
      'alter table daybook.job_payloads drop constraint job_payloads_check',
    );
  });

  it('of the caller’s own transaction comes as it is', async () => {
    const client = await daybook.db.connectCaller();
    await client.query('begin');
    await client.query('select 1 / 0').catch(() => undefined);
    const inside = daybook.submit({ type: 'x' }, { client });
    await expect(inside).rejects.toMatchObject({ code: '25P02' });
  });
});
