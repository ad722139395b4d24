/** A job as metrics see it: bounded names only, never an id. */
export interface JobLabels {
  readonly queue: string;
  readonly type: string;
}

/** How an attempt ended, as metrics count it. */
export type AttemptOutcome =
  | 'completed'
  | 'retried'
  | 'dead'
  | 'cancelled'
  | 'snoozed'
  | 'interrupted';

/**
 * What the rooms tell about themselves. Telemetry implements it; a room only ever calls it, so that
 * no room has to know how its numbers are shown. Implementations must not throw.
 */
export interface Observer {
  submitted(labels: JobLabels, count: number): void;
  /** @param waitMs from when the job was due to its claim */
  claimed(labels: JobLabels, waitMs: number): void;
  failed(labels: JobLabels): void;
  /** @param runMs from claim to outcome, as the worker saw it; null where none did */
  ended(labels: JobLabels, outcome: AttemptOutcome, runMs: number | null): void;
  /** A job is cancelled, whether it waited or ran. */
  cancelled(labels: JobLabels): void;
  outcomeRejected(code: string): void;
  /** So many claims were taken back; of those whose jobs ended with it, `ended` tells as well. */
  leaseExpired(count: number): void;
  sequenced(count: number): void;
  projected(projection: string, count: number): void;
  /** How many read the log as it grows, in this process, now. */
  subscribed(count: number): void;
  /** Events handed to subscribers: an event counts once for each. */
  eventsSent(count: number): void;
  /** A subscriber was too slow for what is kept in memory, and reads the log again. */
  fellBehind(): void;
  /** Something a person may have to look at. `error` is shown with its cause. */
  warn(message: string, context?: Readonly<Record<string, unknown>>): void;
  info(message: string, context?: Readonly<Record<string, unknown>>): void;
}

const nothing = () => undefined;

/** The observer of a library user who wants none. */
export const silentObserver: Observer = {
  submitted: nothing,
  claimed: nothing,
  failed: nothing,
  ended: nothing,
  cancelled: nothing,
  outcomeRejected: nothing,
  leaseExpired: nothing,
  sequenced: nothing,
  projected: nothing,
  subscribed: nothing,
  eventsSent: nothing,
  fellBehind: nothing,
  warn: nothing,
  info: nothing,
};
