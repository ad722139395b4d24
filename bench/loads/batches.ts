import type { BenchJob, OpenContender } from '../contenders/contender.ts';

const BATCH = 1_000;
/** Submits `count` jobs, made one by one, in batches of 1,000. Ends early once `stopped` holds. */
export async function submitInBatches(
  contender: OpenContender,
  count: number,
  make: (index: number) => BenchJob,
  stopped: () => boolean = () => false,
): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < count && !stopped()) {
      const first = next;
      next += BATCH;
      const size = Math.min(BATCH, count - first);
      await contender.submitMany(Array.from({ length: size }, (_, index) => make(first + index)));
    }
  };
  await Promise.all(Array.from({ length: contender.lanes }, lane));
}
