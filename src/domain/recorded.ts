/**
 * What every event carries once it is written, whatever its type. Times are ms since the Unix epoch,
 * as the database read them, so that folding needs no clock and no time zone.
 */
export interface Recorded {
  readonly streamId: string;
  /** Place in the stream, from 1. */
  readonly version: number;
  /** Place in the log, from 1; null until the sequencer has given it one. */
  readonly position: bigint | null;
  readonly epoch: number;
  readonly schemaVersion: number;
  readonly occurredAtMs: number;
  /** The queue's name: of the job at that moment, or of the queue itself. */
  readonly queue: string;
  /** The type of the job, and its tags at that moment; null and none for events of a queue. */
  readonly jobType: string | null;
  readonly tags: readonly string[];
  /** Of a claim: for how long the job had been due. Of the end of a claim: how long it lasted. In ms. */
  readonly elapsedMs: number | null;
  /** Who asked; null for what a worker or Daybook itself did. */
  readonly actor: string | null;
  /** The id of the event or request that led to this one. */
  readonly causation: string | null;
  /** What the whole chain of work belongs to. */
  readonly correlation: string | null;
}
