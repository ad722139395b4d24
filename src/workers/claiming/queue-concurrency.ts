import type { WriteContext } from '../../commands/write-context.ts';
import type { Clock } from '../../kernel/clock.ts';
import { createLoop } from '../../kernel/loop.ts';
import type { Service } from '../../kernel/service.ts';
import { findQueues } from '../../store/statements/find-queues.ts';

/** Where neither the worker nor the queue names a number. */
const DEFAULT = 10;
const READ_EVERY_MS = 5_000;

/**
 * How many jobs of a queue this process runs at a time: what the worker names, else what the queue's
 * settings say, else 10. The settings are read at the start and every few seconds.
 */
export interface QueueConcurrency extends Service {
  of(queue: string): number;
}

/** @param named what the worker names; then no settings are read */
export function createQueueConcurrency(
  context: WriteContext,
  clock: Clock,
  queues: readonly string[],
  named: number | undefined,
): QueueConcurrency {
  const settings = new Map<string, number>();
  let readAt = Number.NEGATIVE_INFINITY;

  async function read(): Promise<void> {
    const { database, tenantId } = context;
    for (const row of await database.run(findQueues, { tenantId, names: queues })) {
      const { concurrency } = row.settings;
      settings.set(row.name, typeof concurrency === 'number' ? concurrency : DEFAULT);
    }
    readAt = clock.elapsedMs();
  }

  const loop = createLoop({
    name: 'queue-settings',
    clock,
    random: context.random,
    step: async () => {
      const ageMs = clock.elapsedMs() - readAt;
      if (ageMs >= READ_EVERY_MS) await read();
      return ageMs >= READ_EVERY_MS ? READ_EVERY_MS : READ_EVERY_MS - ageMs;
    },
    onError: (error) => context.observer.warn('the settings of queues were not read', { error }),
  });

  return {
    name: loop.name,
    of: (queue) => named ?? settings.get(queue) ?? DEFAULT,
    async start() {
      if (named !== undefined) return;
      await read();
      await loop.start();
    },
    stop: () => loop.stop(),
  };
}
