import { afterAll, beforeAll, expect, it } from 'vitest';
import { createSubmitCoalescer } from '../../../src/commands/submit/submit-coalescer.ts';
import { submitJobs } from '../../../src/commands/submit/submit-jobs.ts';
import type { WriteContext } from '../../../src/commands/write-context.ts';
import { submitFreshJobs } from '../../../src/store/statements/submit-fresh-jobs.ts';
import { type Clock, systemClock } from '../../../src/kernel/clock.ts';
import type { Statement } from '../../../src/store/statement.ts';
import { load } from '../../support/job-steps.ts';
import { createTestDatabase, type TestDatabase } from '../../support/test-database.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.drop());

/** By which no statement takes so long that others no longer wait for it, however busy the machine. */
const still: Clock = { ...systemClock, elapsedMs: () => 0, after: () => () => undefined };

/** A context that counts its submit statements; `spoil` changes what one of them is given. */
function counting(spoil: (payload: string) => string = (payload) => payload) {
  const sizes: number[] = [];
  const database = {
    ...db.database,
    async run<Params, Row>(statement: Statement<Params, Row>, params: Params): Promise<Row[]> {
      if (statement.name !== submitFreshJobs.name) return db.database.run(statement, params);
      const { jobs } = params as { jobs: { payload: string }[] };
      sizes.push(jobs.length);
      const spoilt = jobs.map((job) => ({ ...job, payload: spoil(job.payload) }));
      return db.database.run(statement, { ...params, jobs: spoilt });
    },
  };
  const coalescer = createSubmitCoalescer(database, 1, still);
  const context: WriteContext = { ...db.context, coalescer };
  return { context, sizes };
}

it('puts submissions that come together into few statements, each with its own facts', async () => {
  const { context, sizes } = counting();
  const submitted = await Promise.all(
    Array.from({ length: 100 }, (_, n) =>
      submitJobs(context, [{ type: 'x', payload: n }], { actor: `actor-${n}` }),
    ),
  );
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(100);
  expect(sizes.length).toBeLessThan(20);
  const { events } = await load(db, submitted[42]?.[0]?.id ?? '');
  expect(events[0]?.actor).toBe('actor-42');
});

it('sends one that comes alone at once', async () => {
  const { context, sizes } = counting();
  await submitJobs(context, [{ type: 'x' }]);
  await submitJobs(context, [{ type: 'x' }]);
  expect(sizes).toEqual([1, 1]);
});

it('puts no more than 8 MiB of payloads into one statement', async () => {
  const { context, sizes } = counting();
  const payload = 'x'.repeat(1_000_000);
  const ids = await Promise.all(
    Array.from(
      { length: 20 },
      async () => (await submitJobs(context, [{ type: 'x', payload }]))[0]?.id,
    ),
  );
  expect(new Set(ids).size).toBe(20);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(20);
  expect(Math.max(...sizes)).toBe(8);
});

it('lets what one of them does wrong be no trouble of the others', async () => {
  const { context } = counting((payload) => (payload === '"bad"' ? '{no json' : payload));
  const submit = (payload: string) =>
    submitJobs(context, [{ type: 'x', payload }]).then(
      () => 'born',
      () => 'refused',
    );
  const outcomes = await Promise.all(['a', 'b', 'c', 'bad', 'd', 'e'].map(submit));
  expect(outcomes).toEqual(['born', 'born', 'born', 'refused', 'born', 'born']);
});

it('keeps those together that are answered together and come again', async () => {
  const { context, sizes } = counting();
  const caller = async () => {
    for (let n = 0; n < 5; n += 1) await submitJobs(context, [{ type: 'x' }]);
  };
  await Promise.all(Array.from({ length: 32 }, caller));
  expect(Math.min(...sizes)).toBeGreaterThanOrEqual(8);
});
