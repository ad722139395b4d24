import type { OpenContender } from '../contenders/contender.ts';
import { atRate } from '../measure/at-rate.ts';
import type { LoadResult, PreparedLoad, StartSpec } from './load.ts';
import { queueAt, warmUp } from './warm-up.ts';

/**
 * Submits single jobs at a steady rate on an otherwise idle system, and measures from the call to the
 * first line of the handler, in one process with one clock.
 */
export async function submitToStart(
  contender: OpenContender,
  spec: StartSpec,
): Promise<PreparedLoad> {
  const { queues, perSecond, seconds } = spec;
  await warmUp(contender, spec);
  const queue = queueAt(queues, 0);
  const samples: number[] = [];
  const working = await contender.work(1, (payload) => {
    samples.push(performance.now() - (payload as { readonly at: number }).at);
  });
  const submit = async () => {
    await contender.submit({ queue, payload: { at: performance.now() } });
  };
  await atRate(perSecond, 1, submit);
  await working.hasRun(perSecond);
  samples.length = 0;
  const run = async (): Promise<LoadResult> => {
    const from = performance.now();
    await atRate(perSecond, seconds, submit);
    const jobs = perSecond * seconds;
    await working.hasRun(perSecond + jobs);
    return { jobs, ms: performance.now() - from, caughtUp: [], samples };
  };
  return { run, end: () => working.stop() };
}
