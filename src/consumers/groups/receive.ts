import { eventTypeCodes } from '../../domain/event-types.ts';
import { formatLogToken } from '../../domain/log-token.ts';
import type { Clock } from '../../kernel/clock.ts';
import { DaybookError } from '../../kernel/errors.ts';
import type { Database } from '../../store/database.ts';
import { decodeEvent } from '../../store/event-codec.ts';
import {
  type DeliveredRow,
  deliverEvents,
  type DeliverEventsParams,
  eventsFor,
} from '../statements/deliver-events.ts';
import type { SubscriptionNow } from '../statements/find-subscription.ts';
import { noteAsked } from '../statements/note-asked.ts';
import type { LoggedEvent } from '../tail/log-page.ts';
import { formatDelivery } from './delivery.ts';

/** An event as a member is handed it. */
export interface Delivery {
  /** Names this handing out of the event: to be given with the answer. */
  readonly delivery: string;
  /** How often the event has been handed out, this time included. */
  readonly attempt: number;
  /** Until when it is to be answered, in ms since the epoch by the database's clock. */
  readonly deadlineMs: number;
  readonly event: LoggedEvent;
}

/** What one look has found. */
export interface Received {
  /** By position. */
  readonly deliveries: readonly Delivery[];
  /** The log has been read to its end; what is left is in flight, waits or is parked. */
  readonly caughtUp: boolean;
  /** Looking again at once may find more. */
  readonly again: boolean;
  /** Until something falls due that is kept, in ms; null if nothing will by itself. */
  readonly nextDueMs: number | null;
  /** Handed out, but of types that only a newer version knows: to be returned. */
  readonly unknown: readonly string[];
}

export interface ReceiveOrder {
  readonly tenantId: number;
  /** Reads the subscription anew. @throws DaybookError `subscription-not-found` */
  find(): Promise<SubscriptionNow>;
  readonly member: string;
  readonly limit: number;
  readonly maxKept: number;
}

interface ReceiveParts {
  readonly database: Database;
  readonly clock: Clock;
  readonly random: () => number;
}

/** Positions that one look reads at the most: some 30 ms, where a filter lets nothing through. */
const SCAN = 20_000;
/** Looks of other processes that may come first before this one answers that it found nothing. */
const TRIES = 50;
/** The pause after the n-th of them is up to n times this long. */
const PAUSE_MS = 2;
const LONGEST_PAUSE_MS = 20;

/**
 * Looks once for events to hand out.
 * @throws DaybookError `subscription-not-found`, `subscription-ahead`, `subscription-full`
 */
export async function receiveOnce(parts: ReceiveParts, order: ReceiveOrder): Promise<Received> {
  for (let tries = 1; ; tries += 1) {
    const subscription = await order.find();
    if (subscription.asked_long_ago) {
      await parts.database.run(noteAsked, { subscriptionId: subscription.id });
    }
    if (isIdle(subscription)) return nothingNow(subscription);
    const rows = await parts.database.run(deliverEvents, paramsOf(subscription, order));
    const [state] = rows;
    if (state === undefined) throw new Error('A look at a subscription gave no state.');
    if (state.ahead) throw ahead(subscription, state);
    if (state.current) return received(subscription, state, rows);
    if (tries === TRIES) {
      return { deliveries: [], caughtUp: false, again: true, nextDueMs: 0, unknown: [] };
    }
    await parts.clock.sleep(parts.random() * Math.min(LONGEST_PAUSE_MS, PAUSE_MS * tries));
  }
}

/** Nothing has come since the last look: the statement that looks closely would take far longer. */
function isIdle({ due, head, read_position, epoch, log_epoch }: SubscriptionNow): boolean {
  return !due && head === read_position && epoch === log_epoch;
}

function nothingNow({ next_due_ms }: SubscriptionNow): Received {
  return { deliveries: [], caughtUp: true, again: false, nextDueMs: next_due_ms, unknown: [] };
}

function paramsOf(
  subscription: SubscriptionNow,
  { tenantId, member, limit, maxKept }: ReceiveOrder,
): DeliverEventsParams {
  const { filter } = subscription;
  return {
    tenantId,
    afterPosition: subscription.read_position,
    limit,
    // Where every event fits, no more positions are needed than are looked at anyway.
    scan: Object.keys(filter).length === 0 ? Math.min(SCAN, eventsFor(limit)) : SCAN,
    types: filter.eventTypes?.map((type) => eventTypeCodes[type]) ?? null,
    queues: filter.queues ?? null,
    jobTypes: filter.jobTypes ?? null,
    tags: filter.tags ?? null,
    correlations: filter.correlations ?? null,
    streamIds: filter.jobs ?? null,
    subscriptionId: subscription.id,
    tick: subscription.tick,
    position: subscription.position,
    member,
    maxInFlight: subscription.max_in_flight,
    maxAttempts: subscription.max_attempts,
    ackTimeoutMs: subscription.ack_timeout_ms,
    inStreamOrder: subscription.ordering === 'stream',
    maxKept,
  };
}

function received(
  subscription: SubscriptionNow,
  state: DeliveredRow,
  rows: readonly DeliveredRow[],
): Received {
  const deliveries: Delivery[] = [];
  const unknown: string[] = [];
  for (const row of rows) {
    const { position } = row;
    if (position === null) continue;
    const delivery = formatDelivery(position, row.delivery);
    const event = decodeEvent(row);
    if (event === undefined) {
      unknown.push(delivery);
      continue;
    }
    const token = formatLogToken({ epoch: state.log_epoch, position });
    const logged = Object.assign(event, { position, token });
    deliveries.push({ delivery, attempt: row.attempts, deadlineMs: row.deadline, event: logged });
  }
  const nothing = deliveries.length === 0 && !state.works;
  if (nothing && state.full && state.next_due_ms === null) throw full(subscription);
  const moved = state.reached > subscription.read_position;
  return {
    deliveries,
    caughtUp: state.reached >= state.head,
    again: state.works || (moved && state.reached < state.head),
    nextDueMs: state.next_due_ms,
    unknown,
  };
}

function ahead({ name, read_position, epoch }: SubscriptionNow, state: DeliveredRow): DaybookError {
  const detail = `"${name}" has read to position ${read_position} in epoch ${epoch} of the log, which ends at ${state.head} in epoch ${state.log_epoch}.`;
  return new DaybookError('subscription-ahead', detail, {
    facts: {
      position: String(read_position),
      head: String(state.head),
      epoch: state.log_epoch,
      positionEpoch: epoch,
    },
  });
}

function full({ name }: SubscriptionNow): DaybookError {
  return new DaybookError(
    'subscription-full',
    `"${name}" keeps as many parked events as it may, and hands out nothing else.`,
  );
}
