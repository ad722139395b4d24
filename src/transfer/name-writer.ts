import { evolveQueue, type QueueState, type RecordedQueueEvent } from '../domain/queue/queue.ts';
import type { RecordedEvent } from '../domain/event-types.ts';
import { DaybookError } from '../kernel/errors.ts';
import { uuidV5 } from '../kernel/ids.ts';
import type { Executor } from '../store/statement.ts';
import {
  restoreQueues,
  restoreTypes,
  settleQueues,
} from '../store/statements/transfer/restore-names.ts';

/** Makes the queues and types that events speak of, and folds the events of queues. */
export interface NameWriter {
  take(event: RecordedEvent): void;
  /** Makes those that were named since, so that all have their numbers. */
  write(tx: Executor): Promise<void>;
  queueId(name: string): number;
  typeId(name: string | null): number | null;
  /** Sets every queue to what its events say. @throws DaybookError `source-refused` */
  settle(tx: Executor): Promise<void>;
}

export function createNameWriter(tenantId: number): NameWriter {
  const queues = new Map<string, number | null>();
  const types = new Map<string, number | null>();
  const states = new Map<string, QueueState>();
  const unmade = (names: ReadonlyMap<string, number | null>) =>
    [...names].filter(([, id]) => id === null).map(([name]) => name);
  const idIn = (names: ReadonlyMap<string, number | null>, name: string): number => {
    const id = names.get(name);
    if (typeof id === 'number') return id;
    throw new Error(`"${name}" was not made.`);
  };

  return {
    take(event) {
      if (!queues.has(event.queue)) queues.set(event.queue, null);
      const { jobType } = event;
      if (jobType !== null) {
        if (!types.has(jobType)) types.set(jobType, null);
        return;
      }
      if (event.streamId !== uuidV5('queue', tenantId, event.queue)) {
        throw refused(event, `its stream is not that of the queue "${event.queue}"`);
      }
      const queueEvent = event as RecordedQueueEvent;
      try {
        states.set(event.queue, evolveQueue(states.get(event.queue) ?? null, queueEvent));
      } catch (error) {
        throw refused(event, 'it does not follow what its queue was told before', error);
      }
    },
    async write(tx) {
      const names = unmade(queues);
      if (names.length > 0) {
        const streamIds = names.map((name) => uuidV5('queue', tenantId, name));
        const made = await tx.run(restoreQueues, { tenantId, names, streamIds });
        for (const { id, name } of made) queues.set(name, id);
      }
      const newTypes = unmade(types);
      if (newTypes.length === 0) return;
      for (const { id, name } of await tx.run(restoreTypes, { tenantId, names: newTypes })) {
        types.set(name, id);
      }
    },
    queueId: (name) => idIn(queues, name),
    typeId: (name) => (name === null ? null : idIn(types, name)),
    async settle(tx) {
      const rows = [...queues.keys()].map((name) => {
        const state = states.get(name);
        if (state === undefined) {
          const message = `The events of the queue "${name}" itself are missing. Nothing was restored.`;
          throw new DaybookError('source-refused', message);
        }
        const { version, paused, settings, createdAtMs } = state;
        const created = new Date(createdAtMs).toISOString();
        return { id: idIn(queues, name), version, paused, settings, created_at: created };
      });
      await tx.run(settleQueues, { queues: rows });
    },
  };
}

function refused(event: RecordedEvent, why: string, cause?: unknown): DaybookError {
  const message = `The event at position ${event.position}: ${why}. Nothing was restored.`;
  return new DaybookError('source-refused', message, { cause });
}
