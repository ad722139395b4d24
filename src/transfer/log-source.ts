import type { RecordedEvent } from '../domain/event-types.ts';
import type { Executor } from '../store/statement.ts';

/** An event of a log as it stands somewhere else, with the bodies that came with it. */
export interface SourcedEvent {
  readonly event: RecordedEvent & { readonly position: bigint };
  /** When its batch was written to the log it comes from, in ms since the epoch. */
  readonly recordedAtMs: number;
  /** The payload that the event names by its hash, as JSON text; null where it is gone or left out. */
  readonly payload: string | null;
  /** The same of a result. */
  readonly result: string | null;
}

/** An epoch of the log that was read. */
export interface SourcedEpoch {
  readonly epoch: number;
  readonly openedAtMs: number;
  readonly systemIdentifier: string;
  readonly timeline: number;
  readonly afterPosition: bigint;
  readonly reason: string;
}

/** What is known of a log once all of it was read. */
export interface SourceEnd {
  /** All of the log from its beginning, with nothing filtered out. */
  readonly complete: boolean;
  readonly events: number;
  readonly epochs: readonly SourcedEpoch[];
  /** Two sources with the same sum hold the same events. */
  readonly sum: string;
}

/**
 * A log outside of a database: a file, another store of events. Whoever implements it answers for the
 * order; what is restored from it answers for the rest.
 */
export interface LogSource {
  /** What people call it, as in "restored from x". */
  readonly name: string;
  /**
   * Events by growing position, in batches of bounded size, to be read once and to its end.
   * @param tx the transaction they are put into: what has to wait may be put aside in tables of it
   * @throws DaybookError `source-refused` for what is cut off, changed, or none of Daybook's
   */
  batches(tx: Executor): AsyncIterable<readonly SourcedEvent[]>;
  /** Once the batches have ended. */
  end(): SourceEnd;
}
