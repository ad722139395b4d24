import { evolveQueue, type QueueState, type RecordedQueueEvent } from '../../domain/queue/queue.ts';
import { decodeEvent } from '../../store/event-codec.ts';
import { readQueueStreamsAt } from '../../store/statements/read-queue-streams-at.ts';
import type { Executor } from '../../store/statement.ts';

/** A queue as it was, and its number. */
export interface QueueAt extends QueueState {
  readonly id: number;
}

/**
 * Queues as they were when the log ended at a position, by name; those that did not exist are absent.
 * @param names null for all queues of the tenant
 */
export async function loadQueuesAt(
  executor: Executor,
  tenantId: number,
  names: readonly string[] | null,
  position: bigint,
): Promise<QueueAt[]> {
  const queues = new Map<number, QueueAt>();
  for (const row of await executor.run(readQueueStreamsAt, { tenantId, names, position })) {
    const event = decodeEvent(row);
    if (event === undefined) continue;
    const { queue_id: id } = row;
    queues.set(id, { ...evolveQueue(queues.get(id) ?? null, event as RecordedQueueEvent), id });
  }
  return [...queues.values()];
}
