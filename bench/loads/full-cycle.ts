import { setTimeout as sleep } from 'node:timers/promises';
import type { OpenContender } from '../contenders/contender.ts';
import { submitInBatches } from './batches.ts';
import type { CycleSpec, LoadResult, PreparedLoad } from './load.ts';
import { queueAt, warmUp } from './warm-up.ts';

/** Jobs of one queue that come one after the other. */
const RUN = 100;

/**
 * Submits jobs in batches while workers of the same process run a handler that does nothing. The clock
 * stops when the last is recorded as completed and all who read have caught up.
 */
export async function fullCycle(contender: OpenContender, spec: CycleSpec): Promise<PreparedLoad> {
  const { jobs, queues, workers, payloadBytes, limitMs } = spec;
  await warmUp(contender, spec);
  const caughtUp = await contender.watchReaders?.();
  const working = await contender.work(workers, () => undefined);
  const filling = payloadBytes === 0 ? undefined : 'x'.repeat(payloadBytes);
  const make = (n: number) => ({
    queue: queueAt(queues, Math.floor(n / RUN)),
    payload: filling === undefined ? { n } : { n, filling },
  });
  const run = async (): Promise<LoadResult> => {
    const from = performance.now();
    const over = new AbortController();
    const whole = async () => {
      await submitInBatches(contender, jobs, make, () => over.signal.aborted);
      await working.hasRun(jobs);
      await working.recorded();
    };
    const limit = sleep(limitMs, 'over', { signal: over.signal }).catch(() => 'over');
    const all = whole();
    const inTime = (await Promise.race([all.then(() => 'done'), limit])) === 'done';
    const [done, ms] = [inTime ? jobs : working.ran, performance.now() - from];
    over.abort();
    const readers = inTime ? ((await caughtUp?.(jobs * 3)) ?? []) : [];
    return {
      jobs: done,
      ms,
      caughtUp: readers.map(({ readers: who, atMs }) => ({ readers: who, atMs: atMs - from })),
      samples: [],
    };
  };
  return { run, end: () => working.stop() };
}
