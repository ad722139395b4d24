import { setTimeout as sleep } from 'node:timers/promises';
import type { OpenContender } from '../contenders/contender.ts';
import { quantile } from '../measure/quantile.ts';
import type { EnduranceSpec, Interval, PreparedLoad } from './load.ts';
import { queueAt, warmUp } from './warm-up.ts';

const TICK_MS = 10;

/**
 * Submits at a steady rate for a long time while workers run, and looks at each interval. Keeps
 * nothing that grows, so that the memory of the process is that of the contender.
 */
export async function endurance(
  contender: OpenContender,
  spec: EnduranceSpec,
): Promise<PreparedLoad> {
  const { queues, perSecond, seconds, intervalSeconds } = spec;
  await warmUp(contender, spec);
  const queue = queueAt(queues, 0);
  let delays: number[] = [];
  const working = await contender.work(1, (payload) => {
    delays.push(performance.now() - (payload as { readonly at: number }).at);
  });
  let failure: Error | undefined;
  const submit = (count: number) => {
    const payload = { at: performance.now() };
    contender
      .submitMany(Array.from({ length: count }, () => ({ queue, payload })))
      .catch((error: unknown) => {
        failure ??= new Error('A submission failed.', { cause: error });
      });
  };
  return {
    async run() {
      const intervals: Interval[] = [];
      const from = performance.now();
      let [submitted, began] = [0, from];
      while (submitted < perSecond * seconds) {
        await sleep(TICK_MS);
        if (failure !== undefined) throw failure;
        const now = performance.now();
        const due = Math.floor(((now - from) / 1_000) * perSecond);
        const count = Math.min(due, perSecond * seconds) - submitted;
        if (count > 0) submit(count);
        submitted += count;
        if (now - began < intervalSeconds * 1_000) continue;
        intervals.push(intervalOf(delays, now - began));
        [delays, began] = [[], now];
      }
      await working.hasRun(submitted);
      return {
        jobs: submitted,
        ms: performance.now() - from,
        caughtUp: [],
        samples: [],
        intervals,
      };
    },
    end: () => working.stop(),
  };
}

function intervalOf(delays: readonly number[], ms: number): Interval {
  const residentBytes = process.memoryUsage.rss();
  return { jobs: delays.length, ms, p99Ms: quantile(delays, 0.99), residentBytes };
}
