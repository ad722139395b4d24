import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { OpenContender } from '../contenders/contender.ts';
import { submitInBatches } from './batches.ts';
import type { CycleSpec, LoadResult, PreparedLoad } from './load.ts';
import { queueAt, warmUp } from './warm-up.ts';

/** Of what payloads are cut from: text that cannot be compressed much. */
const TEXT_BYTES = 100_000;
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
  const payload = payloadsOf(payloadBytes);
  const make = (n: number) => ({
    queue: queueAt(queues, Math.floor(n / RUN)),
    payload: payload(n),
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
    // What comes of the rest after the limit is nobody's business.
    all.catch(() => undefined);
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

function payloadsOf(bytes: number): (n: number) => object {
  if (bytes === 0) return (n) => ({ n });
  const text = randomBytes(TEXT_BYTES).toString('base64');
  return (n) => {
    const from = n % (text.length - bytes);
    return { n, text: text.slice(from, from + bytes) };
  };
}
