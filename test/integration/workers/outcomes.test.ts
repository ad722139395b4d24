import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { defineJob, NotRetryableError, snooze } from '../../../src/daybook.ts';
import { readLogLines } from '../../../src/commands/read/read-gauges.ts';
import { openTestDaybook, type TestDaybook } from '../../support/open-daybook.ts';

const quickly = { kind: 'fixed', delayMs: 1, jitter: 0 } as const;
const seen: string[] = [];
let snoozes = 0;

const jobs = [
  defineJob({
    type: 'greet',
    payload: z.object({ name: z.string().transform((name) => name.toUpperCase()) }),
    handler: ({ name }, { job, log, progress }) => {
      log(`greeting ${name}`);
      log('done');
      progress({ percent: 100 });
      return { greeting: `hello ${name}`, attempt: job.attempt, tags: job.tags };
    },
  }),
  defineJob({
    type: 'throws-no-error',
    payload: z.unknown(),
    maxAttempts: 2,
    retry: quickly,
    handler: () => {
      // oxlint-disable-next-line typescript/only-throw-error -- handlers in the wild do
      throw { code: 42, text: 'nul \u0000 and \ud800' };
    },
  }),
  defineJob({
    type: 'for-good',
    payload: z.unknown(),
    handler: () => {
      throw new NotRetryableError('no such mailbox');
    },
  }),
  defineJob({
    type: 'snoozes',
    payload: z.unknown(),
    handler: (_payload, { log }) => {
      snoozes += 1;
      log(`run ${snoozes}`);
      return snoozes < 3 ? snooze(1) : 'awake';
    },
  }),
  defineJob({
    type: 'never-returns',
    payload: z.unknown(),
    maxAttempts: 1,
    timeoutMs: 50,
    handler: () => new Promise(() => undefined),
  }),
  defineJob({
    type: 'heeds',
    payload: z.unknown(),
    handler: async (_payload, { signal }) => {
      await wait(3_600_000, undefined, { signal });
    },
  }),
  defineJob({
    type: 'custom',
    payload: z.unknown(),
    maxAttempts: 3,
    retry: (failures) => failures,
    handler: () => {
      throw new Error('again');
    },
  }),
];

let daybook: TestDaybook;

beforeAll(async () => {
  daybook = await openTestDaybook({
    jobs,
    middleware: [
      async ({ job }, next) => {
        seen.push(`> ${job.type}`);
        const result = await next();
        seen.push(`< ${job.type}`);
        return result;
      },
    ],
  });
  await daybook.worker({ pollMs: 20, beatMs: 200, abortGraceMs: 20 }).start();
});

afterAll(() => daybook.close());

async function run(type: string, payload?: unknown) {
  const { id } = await daybook.submit({ type, payload, tags: ['t'] });
  return daybook.waitFor(id);
}

const typesOf = (job: { events: readonly { type: string }[] }) =>
  job.events.map(({ type }) => type);

describe('a worker', () => {
  it('runs the handler on the parsed payload, inside the middleware, and stores the result', async () => {
    const job = await run('greet', { name: 'ada' });
    expect(job.result).toEqual({ greeting: 'hello ADA', attempt: 1, tags: ['t'] });
    expect(job.payload).toEqual({ name: 'ada' });
    expect(seen).toEqual(['> greet', '< greet']);
    expect(typesOf(job)).toEqual(['JobSubmitted', 'JobClaimed', 'JobCompleted']);
  });

  it('keeps progress and log lines, outside the event log', async () => {
    const job = await run('greet', { name: 'alan' });
    await vi.waitFor(async () => {
      const lines = await readLogLines(daybook.context, job.state.id, -1, 10);
      expect(lines.map(({ message }) => message)).toEqual(['greeting ALAN', 'done']);
    });
    expect((await daybook.get(job.state.id))?.progress).toEqual({ percent: 100 });
  });

  it('records a thrown thing that is no error, and that Postgres could not store', async () => {
    const job = await run('throws-no-error');
    expect(job.phase).toBe('dead');
    expect(job.state.lastError?.name).toBe('NonError');
    expect(typesOf(job)).toEqual([
      'JobSubmitted',
      'JobClaimed',
      'JobFailed',
      'JobRetried',
      'JobClaimed',
      'JobFailed',
      'JobDead',
    ]);
  });

  it('buries a failure that says it is for good', async () => {
    const job = await run('for-good');
    expect(typesOf(job)).toEqual(['JobSubmitted', 'JobClaimed', 'JobFailed', 'JobDead']);
    expect(job.state.deadReason).toBe('not-retryable');
  });

  it('snoozes without burning the attempt, and keeps what each run logs', async () => {
    const job = await run('snoozes');
    expect(job.result).toBe('awake');
    expect(job.state.failures).toBe(0);
    await vi.waitFor(async () => {
      const lines = await readLogLines(daybook.context, job.state.id, -1, 10);
      expect(lines.map(({ line, message }) => [line, message])).toEqual([
        [0, 'run 1'],
        [1, 'run 2'],
        [2, 'run 3'],
      ]);
    });
  });

  it('gives up a handler that never returns', async () => {
    const job = await run('never-returns');
    expect(job.state.lastError).toMatchObject({ name: 'handler-timeout' });
  });

  it('retries by the definition’s own function', async () => {
    const job = await run('custom');
    expect(job.phase).toBe('dead');
    expect(job.state.failures).toBe(3);
  });

  it('stops a running job that somebody cancels', async () => {
    const { id } = await daybook.submit({ type: 'heeds' });
    await vi.waitFor(async () => expect((await daybook.get(id))?.phase).toBe('running'));
    await daybook.cancel(id, { reason: 'changed my mind', actor: 'ada' });
    const job = await daybook.waitFor(id);
    expect(job.state).toMatchObject({ status: 'cancelled', cancelReason: 'changed my mind' });
    expect(job.events.find(({ type }) => type === 'JobCancelRequested')?.actor).toBe('ada');
  });

  it('records a job for whose type it has no handler as failed, and others may still run it', async () => {
    const { id } = await daybook.submit({ type: 'unheard-of', maxAttempts: 2 });
    await vi.waitFor(async () => expect(await daybook.eventsOf(id)).toContain('JobRetried'));
    expect((await daybook.get(id))?.state.lastError?.name).toBe('unknown-type');
  });

  it('refuses at submission a payload that does not fit, and writes nothing', async () => {
    await expect(daybook.submit({ type: 'greet', payload: { name: 7 } })).rejects.toMatchObject({
      code: 'payload-invalid',
      fields: [{ pointer: '/payload/name' }],
    });
  });

  it('fails, retryably, a payload that no longer fits', async () => {
    // Another process, of a version before the schema, submits it.
    const { openDaybook } = await import('../../../src/daybook.ts');
    const older = await openDaybook({ connectionString: daybook.db.connectionString });
    const { id } = await older.submit({ type: 'greet', payload: { surname: 'x' }, maxAttempts: 5 });
    await vi.waitFor(async () => expect(await daybook.eventsOf(id)).toContain('JobRetried'));
    expect((await daybook.get(id))?.state.lastError?.name).toBe('payload-invalid');
    await older.close();
  });
});
