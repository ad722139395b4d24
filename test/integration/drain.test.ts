import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type pg from 'pg';
import { z } from 'zod';
import { defineJob, snooze } from '../../src/daybook.ts';
import { readLogLines } from '../../src/commands/read/read-gauges.ts';
import { drain } from '../../src/testing.ts';
import { openTestDaybook, type TestDaybook } from '../support/open-daybook.ts';

let daybook: TestDaybook;
let client: pg.Client;

const jobs = [
  defineJob({
    type: 'own-transaction',
    payload: z.enum(['commit', 'rollback']),
    maxAttempts: 1,
    handler: async (end, { completeIn }) => {
      await client.query('begin');
      await completeIn(client, end);
      await client.query(end);
    },
  }),
  defineJob({
    type: 'talks',
    payload: z.unknown(),
    handler: (_payload, { log, progress }) => {
      log('one');
      log('two');
      progress({ percent: 100 });
    },
  }),
  defineJob({ type: 'snoozes', payload: z.unknown(), handler: () => snooze(3_600_000) }),
];

beforeAll(async () => {
  daybook = await openTestDaybook({ jobs, maintain: false });
  client = await daybook.db.connectCaller();
});
afterAll(() => daybook.close());

const nothing = { complete: 0, fail: 0, snooze: 0, release: 0 };

describe('draining does what a worker does', () => {
  it('with a job that completes in its own transaction', async () => {
    const { id } = await daybook.submit({ type: 'own-transaction', payload: 'commit' });
    expect(await drain(daybook)).toEqual({ ...nothing, complete: 1 });
    expect(await daybook.get(id)).toMatchObject({ phase: 'completed', result: 'commit' });
  });

  it('with one whose own transaction was rolled back: it was not done', async () => {
    const { id } = await daybook.submit({ type: 'own-transaction', payload: 'rollback' });
    expect(await drain(daybook)).toEqual({ ...nothing, fail: 1 });
    const job = await daybook.get(id);
    expect(job?.phase).toBe('dead');
    expect(job?.state.lastError?.name).toBe('NotCommitted');
  });

  it('with what a handler logs and shows of its progress', async () => {
    const { id } = await daybook.submit({ type: 'talks' });
    await drain(daybook);
    const lines = await readLogLines(daybook.context, id, -1, 10);
    expect(lines.map(({ message }) => message)).toEqual(['one', 'two']);
    expect((await daybook.get(id))?.progress).toEqual({ percent: 100 });
  });

  it('with a job that snoozes, and leaves it for later', async () => {
    const { id } = await daybook.submit({ type: 'snoozes' });
    expect(await drain(daybook)).toEqual({ ...nothing, snooze: 1 });
    expect((await daybook.get(id))?.phase).toBe('scheduled');
  });
});

it('draining ends at its limit', async () => {
  await daybook.submitMany(Array.from({ length: 3 }, () => ({ type: 'talks' })));
  expect(await drain(daybook, { limit: 2 })).toEqual({ ...nothing, complete: 2 });
  expect(await drain(daybook)).toEqual({ ...nothing, complete: 1 });
});
