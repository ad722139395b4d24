import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { silentObserver } from '../../src/kernel/observer.ts';
import { type Daybook, loadPackage } from '../package.ts';
import { verify } from '../verify.ts';
import type { BenchJob, CaughtUp, Contender } from './contender.ts';
import { shareOut } from './share-out.ts';
import { createTally } from './tally.ts';

/** Jobs of one queue at the same time in the process, as for the other contenders. */
const CONCURRENCY = 100;
/** The read models that peers have something like. */
const LIGHT = new Set(['job-status', 'queue-counters']);

/** The package as it is built, with the options it has when nobody sets any. */
export const daybook: Contender = {
  async open({ postgresUrl, queues }) {
    const { defineJob, openDaybook } = await loadPackage();
    let started: (payload: object) => void = () => undefined;
    const recorded = createTally();
    const noop = defineJob({
      type: 'noop',
      payload: z.unknown(),
      handler: (payload) => started(payload as object),
    });
    const ended = () => recorded.add(1);
    const warn = (message: string, { error, ...context }: { readonly error?: unknown } = {}) => {
      // In one line: an error of a connection holds all of its client.
      const why = error instanceof Error ? `: ${error.message}` : '';
      console.error(`daybook: ${message}${why}`, context);
    };
    const book = await openDaybook({
      connectionString: postgresUrl,
      migrate: true,
      jobs: [noop],
      observer: { ...silentObserver, ended, warn },
    });
    return {
      lanes: 2,
      submit: (job) => book.submit(newJob(job)),
      submitMany: (jobs) => book.submitMany(jobs.map(newJob)),
      async work(workers, told) {
        const ran = createTally();
        const before = recorded.count;
        started = (payload) => {
          ran.add(1);
          told(payload);
        };
        const hands = shareOut(queues, workers).map((each) =>
          book.worker({ queues: each, concurrency: CONCURRENCY }),
        );
        await Promise.all(hands.map((worker) => worker.start()));
        return {
          get ran() {
            return ran.count;
          },
          hasRun: (jobs) => ran.reached(jobs),
          recorded: () => recorded.reached(before + ran.count),
          async stop() {
            await Promise.all(hands.map((worker) => worker.stop()));
          },
        };
      },
      watchReaders: () => watchReaders(book),
      verify: () => verify(book),
      close: () => book.close(),
    };
  },
};

function newJob({ queue, payload, priority, delayMs }: BenchJob) {
  return { type: 'noop', queue, payload, priority, delayMs };
}

async function watchReaders(book: Daybook) {
  const before = (await book.consumers.list())[0]?.head ?? 0n;
  return async (changes: number): Promise<CaughtUp[]> => {
    const end = before + BigInt(changes);
    let lightAtMs = 0;
    for (;;) {
      const lags = (await book.consumers.list()).filter(({ role }) => role === 'live');
      const have = (names: typeof lags) => names.every(({ position }) => position >= end);
      const now = performance.now();
      if (lightAtMs === 0 && have(lags.filter(({ name }) => LIGHT.has(name)))) lightAtMs = now;
      if (have(lags)) {
        return [
          { readers: 'all read models', atMs: now },
          { readers: 'job status and queue counters', atMs: lightAtMs },
        ];
      }
      await sleep(10);
    }
  };
}
