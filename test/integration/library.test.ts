import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { defineJob, isDaybookError, openDaybook } from '../../src/daybook.ts';
import { silentObserver } from '../../src/kernel/observer.ts';
import { drain } from '../../src/testing.ts';
import { openTestDaybook, type TestDaybook } from '../support/open-daybook.ts';

const seen: number[] = [];
const jobs = [
  defineJob({
    type: 'count',
    payload: z.object({ n: z.number() }),
    priority: 2,
    maxAttempts: 2,
    retry: { kind: 'fixed', delayMs: 0, jitter: 0 },
    handler: ({ n }) => {
      seen.push(n);
      if (n < 0) throw new Error('negative');
      return n;
    },
  }),
];

let daybook: TestDaybook;
beforeAll(async () => {
  daybook = await openTestDaybook({ jobs });
});
afterAll(() => daybook.close());

const HOUR = 3_600_000;
const later = () => daybook.submit({ type: 'count', payload: { n: 1 }, delayMs: HOUR });

describe('the library', () => {
  it('fills in what the definition says, unless the submission says otherwise', async () => {
    const [plain, own] = await daybook.submitMany([
      { type: 'count', payload: { n: 1 }, delayMs: HOUR },
      { type: 'count', payload: { n: 1 }, delayMs: HOUR, priority: 9, maxAttempts: 7 },
    ]);
    expect((await daybook.get(plain?.id ?? ''))?.state).toMatchObject({
      priority: 2,
      maxAttempts: 2,
    });
    expect((await daybook.get(own?.id ?? ''))?.state).toMatchObject({
      priority: 9,
      maxAttempts: 7,
    });
  });

  it('edits, moves, reschedules and cancels a waiting job, and keeps who asked and why', async () => {
    const { id } = await later();
    const by = { reason: 'because', actor: 'ada', causation: 'request-7' };
    await daybook.edit(id, { priority: 0, payload: { n: 5 }, tags: ['edited'] }, by);
    await daybook.move(id, 'elsewhere', by);
    await daybook.reschedule(id, Date.now() + 2 * HOUR, by);
    const edited = await daybook.get(id);
    expect(edited).toMatchObject({ phase: 'scheduled', payload: { n: 5 } });
    expect(edited?.state).toMatchObject({ priority: 0, queue: 'elsewhere', tags: ['edited'] });
    const { token } = await daybook.cancel(id, by);
    expect(token).toBe(`1.${id}.5`);
    const history = await daybook.history(id);
    expect(history.map(({ type }) => type)).toEqual([
      'JobSubmitted',
      'JobEdited',
      'JobMoved',
      'JobRescheduled',
      'JobCancelled',
    ]);
    for (const event of history.slice(1)) {
      expect(event).toMatchObject({ actor: 'ada', causation: 'request-7' });
      expect(event.data).toMatchObject({ reason: 'because' });
    }
  });

  it('reads a job as it was at a position or a time', async () => {
    const { id } = await later();
    await daybook.edit(id, { priority: 0 });
    const positions = async () => (await daybook.history(id)).map(({ position }) => position);
    await expect.poll(positions).not.toContain(null);
    const [birth = 0n] = (await positions()) as bigint[];
    expect(await daybook.get(id, { at: birth - 1n })).toBeNull();
    const first = await daybook.get(id, { at: birth });
    expect(first).toMatchObject({ state: { version: 1, priority: 2 }, asOf: { position: birth } });
    expect(first?.events).toHaveLength(1);
    const asked = new Date(first?.asOf?.timeMs ?? 0);
    const atTime = await daybook.get(id, { at: asked });
    expect(atTime?.asOf?.timeMs).toBe(asked.getTime());
    expect(atTime?.state.version).toBeGreaterThanOrEqual(1);
    expect((await daybook.get(id))?.asOf).toBeNull();
    const refusals: [bigint | Date, string][] = [
      [birth + 1_000_000n, 'moment-in-future'],
      [2n ** 70n, 'moment-in-future'],
      [new Date(Date.now() + HOUR), 'moment-in-future'],
      [0n, 'moment-before-log'],
      [new Date(0), 'moment-before-log'],
      [new Date(-8.64e15), 'moment-before-log'],
      [new Date(Number.NaN), 'invalid-request'],
    ];
    for (const [at, code] of refusals) {
      await expect(daybook.get(id, { at })).rejects.toMatchObject({ code });
    }
  });

  it('says by a stable code what is not possible', async () => {
    const { id } = await later();
    await daybook.cancel(id);
    const refused = async (work: Promise<unknown>) => {
      const error: unknown = await work.then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      return isDaybookError(error) ? error.code : error;
    };
    expect(await refused(daybook.retry(id))).toBe('illegal-transition');
    expect(await refused(daybook.cancel(daybook.context.newId()))).toBe('job-not-found');
    expect(await refused(daybook.waitFor(daybook.context.newId()))).toBe('job-not-found');
    expect(await refused(daybook.edit(id, { priority: 12 }))).toBe('invalid-request');
    expect(await refused(daybook.reschedule(id, Number.NaN))).toBe('invalid-request');
    expect(await refused(daybook.submit({ type: 'Not A Name' }))).toBe('invalid-request');
    expect(await refused(daybook.submit({ type: 'x', payload: 1n }))).toBe('payload-invalid');
    expect(await refused(daybook.submit({ type: 'x', payload: 'x'.repeat(2 ** 20) }))).toBe(
      'payload-too-large',
    );
    expect(await refused(daybook.pauseQueue('nowhere'))).toBe('queue-not-found');
    expect(await refused(openDaybook({ conectionString: 'x' } as never))).toBe('invalid-options');
  });

  it('takes a pool whose password is an option of its own, for migrations and LISTEN too', async () => {
    const {
      hostname: host,
      port,
      pathname,
      username,
      password,
    } = new URL(daybook.db.directConnectionString);
    const database = pathname.slice(1);
    const pool = new pg.Pool({ host, port: Number(port), user: username, password, database });
    expect(password).not.toBe('');
    const warned: string[] = [];
    const observer = { ...silentObserver, warn: (message: string) => void warned.push(message) };
    const own = await openDaybook({ pool, schema: 'own_pool', migrate: true, observer });
    const listening = async () => {
      const { rows } = await pool.query<{ query: string }>(
        `select query from pg_stat_activity
         where datname = current_database() and query like 'listen %own_pool%'`,
      );
      return rows.length;
    };
    await vi.waitFor(async () => expect(await listening()).toBe(1));
    await own.close();
    await pool.end();
    expect(warned).toEqual([]);
  });

  it('waits no longer than it is told', async () => {
    const { id } = await later();
    await expect(daybook.waitFor(id, { timeoutMs: 20 })).rejects.toMatchObject({
      code: 'wait-timeout',
    });
  });

  it('pauses and resumes a queue', async () => {
    await daybook.submit({ type: 'count', queue: 'paused', payload: { n: 9 } });
    await daybook.pauseQueue('paused', { reason: 'maintenance' });
    const before = seen.length;
    await drain(daybook, { queues: ['paused'] });
    expect(seen).toHaveLength(before);
    await daybook.resumeQueue('paused');
    await drain(daybook, { queues: ['paused'] });
    expect(seen.at(-1)).toBe(9);
  });

  it('drains inline for tests: every due job, retries included, nothing of the future', async () => {
    const waiting = await later();
    await daybook.submitMany([
      { type: 'count', queue: 'drained', payload: { n: 20 } },
      { type: 'count', queue: 'drained', payload: { n: -1 } },
    ]);
    const drained = await drain(daybook, { queues: ['drained'] });
    expect(drained).toEqual({ complete: 1, fail: 2, snooze: 0, release: 0 });
    expect((await daybook.get(waiting.id))?.phase).toBe('scheduled');
    await daybook.retry(waiting.id);
    await drain(daybook);
    expect((await daybook.get(waiting.id))?.phase).toBe('completed');
  });

  it('keeps the read models up with the log', async () => {
    const { rows } = await vi.waitFor(async () => {
      const lag = await daybook.db.database.pool.query<{ lag: string }>(
        `select max(h.position - c.position) as lag from daybook.consumer_checkpoints c,
           daybook.log_head h`,
      );
      expect(Number(lag.rows[0]?.lag)).toBe(0);
      return lag;
    });
    expect(rows).toHaveLength(1);
  });
});
