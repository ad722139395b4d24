import { expect, it } from 'vitest';
import { createServer } from '../../../src/api/server.ts';
import { createConsumerControl } from '../../../src/consumers/consumer-control.ts';
import { expire, lapse, story, submitMany, submitOne } from '../../support/job-steps.ts';
import { postgresError } from '../../support/faulty-pool.ts';
import type { TestApi } from './api-server.ts';
import { eachWithQueue } from './each-with-queue.ts';

let api: TestApi;
let queue: string;
eachWithQueue('accidents', (...made) => {
  [api, queue] = made;
});

const claim = (body: Record<string, unknown> = {}) =>
  api.post(`/v1/queues/${queue}/claim`, { worker: queue, ...body });

/** Claims from a server on which statements of some names fail. */
async function claimAmidFailures(names: readonly string[], body: Record<string, unknown> = {}) {
  const database = { ...api.db.database };
  database.run = (statement, params) =>
    names.includes(statement.name)
      ? Promise.reject(postgresError('40P01'))
      : api.db.database.run(statement, params);
  const app = createServer({
    context: { ...api.db.context, database },
    consumers: createConsumerControl(database, api.db.wakeUp, []),
    metricsText: () => Promise.resolve(''),
    version: '0',
    instance: 'unlucky',
    isDraining: () => false,
  });
  const url = `/v1/queues/${queue}/claim`;
  const answer = await app.inject({ method: 'POST', url, payload: { worker: queue, ...body } });
  await app.close();
  return answer.statusCode;
}

async function suspect(): Promise<string> {
  const id = await submitOne(api.db, { queue });
  await lapse(api.db, (await claim()).body.session);
  await expire(api.db);
  return id;
}

const sessions = async () =>
  (await api.get('/v1/workers')).body.data.filter(({ name }: { name: string }) => name === queue);

it('a suspect whose start cannot be marked is given back, and stands in nobody’s way', async () => {
  await submitOne(api.db, { queue, delayMs: 60_000 });
  const { session } = (await claim()).body;
  const id = await suspect();
  expect(await claimAmidFailures(['mark-start'], { session })).toBe(500);
  expect((await claim({ session })).body.jobs).toEqual([expect.objectContaining({ id })]);
});

it('a session that was opened for a claim that failed ends with it, and so do its claims', async () => {
  const id = await suspect();
  expect(await claimAmidFailures(['mark-start', 'commit-decisions'])).toBe(500);
  expect(await sessions()).toEqual([]);
  await expire(api.db);
  expect((await story(api.db, id)).at(-1)).toBe('JobInterrupted');
});

it('an ended session gives back what was claimed for it unseen, and no attempt is used up', async () => {
  // The answer to this claim is lost: the worker knows of its session from an earlier one.
  await submitOne(api.db, { queue, delayMs: 60_000 });
  const { session } = (await claim()).body;
  const [id = ''] = await submitMany(api.db, 1, { queue });
  await claim({ session });
  await api.ask('DELETE', `/v1/workers/${session}`);
  await expire(api.db);
  const again = (await claim()).body.jobs;
  expect(again).toEqual([expect.objectContaining({ id, attempt: 1, suspect: true })]);
});
