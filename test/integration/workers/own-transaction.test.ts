import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type pg from 'pg';
import { z } from 'zod';
import { defineJob } from '../../../src/daybook.ts';
import { openTestDaybook, type TestDaybook } from '../../support/open-daybook.ts';

let daybook: TestDaybook;
let client: pg.Client;

const effect = defineJob({
  type: 'effect',
  payload: z.object({ commit: z.boolean() }),
  maxAttempts: 1,
  handler: async ({ commit }, { job, completeIn }) => {
    await client.query('begin');
    await client.query('insert into effects (job_id) values ($1)', [job.id]);
    await completeIn(client, { commit });
    await client.query(commit ? 'commit' : 'rollback');
  },
});

beforeAll(async () => {
  daybook = await openTestDaybook({ jobs: [effect] });
  client = await daybook.db.connectCaller();
  await client.query('create table effects (job_id uuid)');
  await daybook.worker({ concurrency: 1, pollMs: 20 }).start();
});

afterAll(() => daybook.close());

const effectsOf = async (id: string) =>
  (await client.query('select from effects where job_id = $1', [id])).rowCount;

it('completes a job together with its effects', async () => {
  const { id } = await daybook.submit({ type: 'effect', payload: { commit: true } });
  const job = await daybook.waitFor(id);
  expect(job).toMatchObject({ phase: 'completed', result: { commit: true } });
  expect(await effectsOf(id)).toBe(1);
  await vi.waitFor(async () => expect(await daybook.eventsOf(id)).toHaveLength(3));
});

it('does not take a job for done whose transaction was rolled back', async () => {
  const { id } = await daybook.submit({ type: 'effect', payload: { commit: false } });
  const job = await daybook.waitFor(id);
  expect(job.phase).toBe('dead');
  expect(job.state.lastError?.name).toBe('NotCommitted');
  expect(await effectsOf(id)).toBe(0);
});

it('submits in the caller’s transaction: there if it commits, not there if it does not', async () => {
  await client.query('begin');
  const lost = await daybook.submit({ type: 'later', queue: 'elsewhere' }, { client });
  expect(await daybook.get(lost.id)).toBeNull();
  expect(await daybook.get(lost.id, { client })).not.toBeNull();
  await client.query('rollback');
  expect(await daybook.get(lost.id)).toBeNull();
  await client.query('begin');
  const kept = await daybook.submit({ type: 'later', queue: 'elsewhere' }, { client });
  await client.query('commit');
  expect((await daybook.get(kept.id))?.phase).toBe('ready');
});

it('works on a pool of the caller’s own, and leaves it open', async () => {
  const { openDaybook } = await import('../../../src/daybook.ts');
  const { pool } = daybook.context.database;
  const onPool = await openDaybook({ pool, jobs: [], maintain: false });
  const { id } = await onPool.submit({ type: 'later', queue: 'elsewhere' });
  await onPool.close();
  expect((await daybook.get(id))?.phase).toBe('ready');
});
