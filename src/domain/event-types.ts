import type { JobEventType, RecordedJobEvent } from './job/events.ts';
import type { QueueEventType, RecordedQueueEvent } from './queue/queue.ts';

export type EventType = JobEventType | QueueEventType;

/** Any event of the log. */
export type RecordedEvent = RecordedJobEvent | RecordedQueueEvent;

/**
 * The small number that stands for each type on disk. Never changed, never used again.
 * The migrations write the same table into the database, for people who read the log with psql.
 */
export const eventTypeCodes = {
  JobSubmitted: 1,
  JobClaimed: 2,
  JobCompleted: 3,
  JobFailed: 4,
  JobRetried: 5,
  JobDead: 6,
  JobCancelled: 7,
  JobInterrupted: 8,
  JobCancelRequested: 9,
  JobSnoozed: 10,
  JobRescheduled: 11,
  JobEdited: 12,
  JobMoved: 13,
  PayloadErased: 14,
  QueueCreated: 32,
  QueuePaused: 33,
  QueueResumed: 34,
  QueueConfigured: 35,
} as const satisfies Record<EventType, number>;

const typesByCode = new Map<number, EventType>(
  Object.entries(eventTypeCodes).map(([type, code]) => [code, type as EventType]),
);

/** The type behind a code; undefined for one that a newer version wrote. */
export function eventTypeOf(code: number): EventType | undefined {
  return typesByCode.get(code);
}

/** The types of events, in the order of their codes. */
export const eventTypes = Object.keys(eventTypeCodes) as readonly EventType[];

/** True for the name of an event type that this version knows. */
export function isEventType(name: string): name is EventType {
  return Object.hasOwn(eventTypeCodes, name);
}
