import { setTimeout as sleep } from 'node:timers/promises';
import type { OpenContender, Working } from '../contenders/contender.ts';
import { submitInBatches } from './batches.ts';
import type { DrainSpec, PreparedLoad } from './load.ts';
import { queueAt, warmUp } from './warm-up.ts';

const A_DAY_MS = 24 * 3_600_000;
/** For what the filling left to do: checkpoints, vacuum. */
const REST_MS = 1_000;

/** Fills the queue, lets everything come to rest, and has workers run so many of the jobs. */
export async function drain(contender: OpenContender, spec: DrainSpec): Promise<PreparedLoad> {
  const { queues, jobs, waiting, scheduled } = spec;
  await warmUp(contender, spec);
  const caughtUp = await contender.watchReaders?.();
  const queue = queueAt(queues, 0);
  await submitInBatches(contender, scheduled, (n) => ({
    queue,
    payload: { n },
    priority: n % 10,
    delayMs: A_DAY_MS,
  }));
  await submitInBatches(contender, waiting, (n) => ({ queue, payload: { n } }));
  await caughtUp?.(scheduled + waiting);
  await sleep(REST_MS);
  let working: Working | undefined;
  return {
    async run() {
      const from = performance.now();
      working = await contender.work(1, () => undefined);
      await working.hasRun(jobs);
      return { jobs, ms: performance.now() - from, caughtUp: [], samples: [] };
    },
    end: async () => working?.stop(),
  };
}
