import type { EventFilter } from '../../domain/event-filter.ts';

/** How a subscription hands events out; each can be changed at any time. */
export interface SubscriptionSettings {
  /** How long a member has for an event, in ms; then it is handed out again. */
  readonly ackTimeoutMs: number;
  /** How often an event is handed out before it is parked. */
  readonly maxAttempts: number;
  /** Events handed out and not answered at the same time, over all members. */
  readonly maxInFlight: number;
}

/** What a subscription is made of. */
export interface SubscriptionPlan extends SubscriptionSettings {
  readonly filter: EventFilter;
  /**
   * `stream`: an event is handed out once all earlier ones of its stream (job or queue) that fit the
   * filter are acked or skipped. `none`: in the order of the log, without waiting for any.
   */
  readonly order: 'stream' | 'none';
  /** Where it began: see `StartFrom`. */
  readonly startFrom: StartFrom;
}

/**
 * A place to begin: the first event there is, the end of the log, a position as a decimal text or a log
 * token (events after it), or a time as in RFC 3339 (events from then on).
 */
export type StartFrom = 'beginning' | 'now' | (string & {});

export const subscriptionDefaults = {
  filter: {},
  order: 'stream',
  startFrom: 'now',
  ackTimeoutMs: 30_000,
  maxAttempts: 10,
  maxInFlight: 1_000,
} as const satisfies SubscriptionPlan;

/** Bounds of what a subscription may ask of the server. */
export const subscriptionLimits = {
  /** Subscriptions of one tenant. */
  subscriptions: 1_000,
  ackTimeoutMs: { min: 100, max: 43_200_000 },
  maxAttempts: 1_000,
  maxInFlight: 5_000,
  /** Events per receive. */
  receive: 1_000,
  /** Events that wait, are parked, or stand behind such; no new ones are read beyond. */
  kept: 10_000,
  delayMs: 86_400_000 * 7,
  reasonLength: 1_000,
} as const;

/** A filter with one way to say each thing: values sorted, fields without values left out. */
export function tidyFilter(filter: EventFilter): EventFilter {
  return Object.fromEntries(
    Object.entries(filter as Readonly<Record<string, readonly string[] | undefined>>)
      .filter(([, values]) => values !== undefined && values.length > 0)
      .map(([field, values]): [string, string[]] => [field, [...new Set(values)].toSorted()])
      .toSorted(([a], [b]) => (a < b ? -1 : 1)),
  );
}
