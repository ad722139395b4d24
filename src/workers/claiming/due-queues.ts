import type { WriteContext } from '../../commands/write-context.ts';
import type { Clock } from '../../kernel/clock.ts';
import { createLoop } from '../../kernel/loop.ts';
import type { Service } from '../../kernel/service.ts';
import { findDueQueues } from '../../store/statements/find-due-queues.ts';

export interface DueQueuesOptions {
  readonly context: WriteContext;
  readonly clock: Clock;
  readonly queues: readonly string[];
  /** Between two looks, where they are quick. */
  readonly pollMs: number;
  /** Jobs of a queue are due that nobody has claimed. @param suspects whether they are suspects, or others */
  readonly onDue: (queue: string, suspects: boolean) => void;
}

/** Looks take one part in so many of the time at the most: 5 %, as many claimed rows as they may pass. */
const SHARE = 20;

/**
 * Looks for jobs that are due in all queues of a worker, with one statement. This, and no hint, is what
 * sees to it that each job is run: hints get lost, and becoming due is told by none. (A claim from each of
 * 200 empty queues every half second took a quarter of a core.)
 */
export function createDueQueues(options: DueQueuesOptions): Service {
  const { context, clock, queues, pollMs, onDue } = options;
  const { tenantId, names } = context;

  async function step(): Promise<number> {
    const ids = await names.queueIds(queues);
    const startedAt = clock.elapsedMs();
    const queueIds = queues.flatMap((queue) => ids.get(queue) ?? []);
    const rows = await context.database.run(findDueQueues, { tenantId, queueIds });
    const tookMs = clock.elapsedMs() - startedAt;
    for (const { queue_id: id, suspect } of rows) {
      const queue = queues.find((each) => ids.get(each) === id);
      if (queue !== undefined) onDue(queue, suspect);
    }
    return Math.max(pollMs, tookMs * (SHARE - 1));
  }

  return createLoop({
    name: 'due-queues',
    clock,
    random: context.random,
    step,
    onError: (error) => context.observer.warn('looking for due jobs failed', { error }),
  });
}
