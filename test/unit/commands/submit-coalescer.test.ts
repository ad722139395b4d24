import { expect, it } from 'vitest';
import { createSubmitCoalescer } from '../../../src/commands/submit/submit-coalescer.ts';
import type { Clock } from '../../../src/kernel/clock.ts';
import type { Executor, Statement } from '../../../src/store/statement.ts';
import type { SubmittedJobRow } from '../../../src/store/statements/submit-jobs.ts';
import { createFakeClock } from '../../../src/testing/fake-clock.ts';

const row: SubmittedJobRow = {
  id: '',
  queueId: 1,
  typeId: 1,
  priority: 4,
  maxAttempts: 10,
  runAtMs: null,
  delayMs: 0,
  payload: '1',
  payloadHash: '00',
  payloadBytes: 1,
  data: '{}',
  correlation: null,
  actor: null,
  causation: null,
};

const nextTurn = () =>
  new Promise<void>((resolve) => {
    setImmediate(resolve);
  });

/** A coalescer, and the statements that it has sent, which answer when they are told to. */
function scripted(clock?: Clock) {
  const flying: { readonly jobs: number; readonly answer: () => void }[] = [];
  const executor: Executor = {
    run<Params, Row>(_statement: Statement<Params, Row>, params: Params): Promise<Row[]> {
      const { jobs } = params as { readonly jobs: readonly SubmittedJobRow[] };
      return new Promise((resolve) => {
        const answer = () => resolve([{ occurred_at: 0 }] as Row[]);
        flying.push({ jobs: jobs.length, answer });
      });
    },
  };
  const coalescer = createSubmitCoalescer(executor, 1, clock);
  return {
    flying: () => flying.map(({ jobs }) => jobs),
    async answer(index = 0) {
      const [statement] = flying.splice(index, 1);
      statement?.answer();
      // In the one its callers come back, in the other they are sent.
      await nextTurn();
      await nextTurn();
    },
    /** So many callers with so many jobs each, all in one turn. */
    async submit(callers: number, jobs = 1) {
      const rows = Array.from({ length: jobs }, () => row);
      for (let n = 0; n < callers; n += 1) void coalescer.submit(rows);
      await nextTurn();
    },
  };
}

it('sends what comes beside a few at once, but no third statement', async () => {
  const { flying, submit, answer } = scripted();
  await submit(15);
  await submit(1);
  await submit(3);
  await submit(4);
  expect(flying()).toEqual([15, 1]);
  await answer(1);
  expect(flying()).toEqual([15, 7]);
});

it('lets what comes beside many wait for their answer, and go together', async () => {
  const { flying, submit, answer } = scripted();
  await submit(16);
  await submit(10);
  await submit(10);
  expect(flying()).toEqual([16]);
  await answer();
  expect(flying()).toEqual([20]);
});

it('waits for no whole batch', async () => {
  const { flying, submit } = scripted();
  await submit(1, 1_000);
  await submit(1);
  await submit(1);
  expect(flying()).toEqual([1_000, 1]);
});

it('waits for many no longer than they usually take', async () => {
  const clock = createFakeClock();
  const { flying, submit, answer } = scripted(clock);
  await submit(16);
  await submit(10);
  clock.advance(19);
  expect(flying()).toEqual([16]);
  clock.advance(1);
  await nextTurn();
  expect(flying()).toEqual([16, 10]);
  // What is slow is not counted twice once it is answered.
  await answer();
  await answer();
  await submit(16);
  await submit(1);
  expect(flying()).toEqual([16]);
});

it('sends beside many what is many itself', async () => {
  const { flying, submit } = scripted();
  await submit(16);
  await submit(63);
  expect(flying()).toEqual([16]);
  await submit(1);
  expect(flying()).toEqual([16, 64]);
});

it('sends very many as two, and whole batches beside each other', async () => {
  const halves = scripted();
  await halves.submit(128);
  expect(halves.flying()).toEqual([64, 64]);
  const whole = scripted();
  await whole.submit(127);
  expect(whole.flying()).toEqual([127]);
  const batches = scripted();
  await batches.submit(2, 1_000);
  expect(batches.flying()).toEqual([1_000, 1_000]);
});
