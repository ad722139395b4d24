import { setTimeout as sleep } from 'node:timers/promises';
import type { OpenContender } from '../contenders/contender.ts';
import { submitInBatches } from './batches.ts';

/** How long everything may come to rest before the clock runs. */
const REST_MS = 300;

/** Runs some jobs of each queue from end to end, and lets everything come to rest. */
export async function warmUp(
  contender: OpenContender,
  { queues, warmUp: jobs }: { readonly queues: readonly string[]; readonly warmUp: number },
): Promise<void> {
  const caughtUp = await contender.watchReaders?.();
  const working = await contender.work(1, () => undefined);
  const count = Math.max(jobs, queues.length);
  await submitInBatches(contender, count, (n) => ({ queue: queueAt(queues, n), payload: { n } }));
  await working.hasRun(count);
  await working.recorded();
  await working.stop();
  await caughtUp?.(count * 3);
  await sleep(REST_MS);
}

export function queueAt(queues: readonly string[], index: number): string {
  return queues[index % queues.length] ?? 'default';
}
