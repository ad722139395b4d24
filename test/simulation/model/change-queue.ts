import type { QueueEvent } from '../../../src/domain/queue/queue.ts';
import type { Steps } from '../world.ts';
import { queueEvent } from './job-events.ts';
import type { QueueRow } from './tables.ts';
import type { Transaction } from './transactions.ts';

/** create-queues, for one queue. */
export function* createQueue(tx: Transaction, name: string, streamId: string): Steps {
  yield* tx.lock(`queue ${name}`, 'update');
  if (tx.now.queues.has(name)) return;
  tx.onCommit(({ queues }) => queues.set(name, { name, streamId, version: 1, paused: false }));
  tx.append([queueEvent(streamId, 1, name, tx.atMs, { type: 'QueueCreated', data: { name } })]);
}

/** change-queue: kept only if the queue is still at the version expected. */
export function* changeQueue(
  tx: Transaction,
  { name, streamId, version }: QueueRow,
  event: Extract<QueueEvent, { type: 'QueuePaused' | 'QueueResumed' }>,
): Steps<boolean> {
  yield* tx.lock(`queue ${name}`, 'no-key-update');
  if (tx.now.queues.get(name)?.version !== version) return false;
  const paused = event.type === 'QueuePaused';
  tx.onCommit(({ queues }) => {
    queues.set(name, { name, streamId, version: version + 1, paused });
  });
  tx.append([queueEvent(streamId, version + 1, name, tx.atMs, event)]);
  return true;
}
