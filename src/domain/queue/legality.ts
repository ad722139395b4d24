import type { QueueState, RecordedQueueEvent } from './queue.ts';

/** Why an event cannot have followed in a queue's stream; null when it can. See `decideQueue`. */
export function whyIllegalForQueue(
  before: QueueState | null,
  event: RecordedQueueEvent,
): string | null {
  if (before === null) {
    return event.type === 'QueueCreated' ? null : 'the stream does not begin with QueueCreated';
  }
  switch (event.type) {
    case 'QueueCreated':
      return 'the queue was created before';
    case 'QueuePaused':
      return before.paused ? 'the queue was paused already' : null;
    case 'QueueResumed':
      return before.paused ? null : 'the queue was not paused';
    case 'QueueConfigured':
      return null;
  }
}
