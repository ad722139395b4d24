import type { BenchJob } from './contender.ts';

/** Jobs by queue, for APIs that submit to one queue at a time. */
export function byQueue(jobs: readonly BenchJob[]): [string, BenchJob[]][] {
  const queues = new Map<string, BenchJob[]>();
  for (const job of jobs) {
    const some = queues.get(job.queue);
    if (some === undefined) queues.set(job.queue, [job]);
    else some.push(job);
  }
  return [...queues];
}
