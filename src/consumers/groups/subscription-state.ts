import type { Executor } from '../../store/statement.ts';
import { listMembers } from '../statements/list-members.ts';
import { listSubscriptions, type SubscriptionLagRow } from '../statements/list-subscriptions.ts';
import { subscriptionLimits, type SubscriptionPlan } from './subscription.ts';

/** A subscription: what it is made of, how far it is, and whether it gets on. */
export interface SubscriptionState extends SubscriptionPlan {
  readonly name: string;
  /** Every event at or before it is acked or skipped. */
  readonly position: bigint;
  /** Every event at or before it has been looked at. */
  readonly readPosition: bigint;
  /** The last position of the log. */
  readonly head: bigint;
  readonly epoch: number;
  /** Positions behind the head, parked events left out: an upper bound under a filter. */
  readonly lagEvents: bigint;
  /** For how long the first of them has been in the log; 0 where there is none. */
  readonly lagSeconds: number;
  /** It has nothing to do, or has got on lately. */
  readonly moving: boolean;
  /** Why it hands out nothing, where somebody has to act: see `subscription-ahead` and `-full`. */
  readonly halted: 'ahead' | 'full' | null;
  readonly inFlight: number;
  /** To be handed out, or to be handed out again after a pause. */
  readonly waiting: number;
  /** Read, and behind an earlier event of their stream. */
  readonly behind: number;
  readonly parked: number;
  readonly createdAtMs: number;
  /** When it last got on. */
  readonly movedAtMs: number;
  /** When a member last asked, give or take 10 s; null if none ever did. */
  readonly askedAtMs: number | null;
}

/** Who holds events of a subscription. */
export interface SubscriptionMember {
  readonly member: string;
  readonly inFlight: number;
  readonly nextDeadlineMs: number;
}

/** What has not got on for this long, or as long as members have for an event, does not move. */
const STILL_MS = 10_000;

/** All subscriptions of a tenant by name, or the one of that name. */
export async function readSubscriptions(
  database: Executor,
  tenantId: number,
  name: string | null = null,
  maxKept: number = subscriptionLimits.kept,
): Promise<SubscriptionState[]> {
  const rows = await database.run(listSubscriptions, { tenantId, name });
  return rows.map((row) => stateOf(row, maxKept));
}

/** Those who have been handed events that are not answered yet, by name. */
export async function readMembers(
  database: Executor,
  { id, position }: { readonly id: bigint; readonly position: bigint },
): Promise<SubscriptionMember[]> {
  const rows = await database.run(listMembers, { subscriptionId: id, after: position });
  return rows.map(({ member, in_flight, next_deadline }) => ({
    member,
    inFlight: in_flight,
    nextDeadlineMs: next_deadline,
  }));
}

function stateOf(row: SubscriptionLagRow, maxKept: number): SubscriptionState {
  const isFull = row.waiting + row.behind + row.parked >= maxKept;
  const isStuck = isFull && row.in_flight === 0 && row.waiting === 0;
  const isIdle = !row.ahead && row.done_until >= row.head && row.in_flight + row.waiting === 0;
  const sinceMs = row.read_at - row.moved_at;
  return {
    name: row.name,
    filter: row.filter,
    order: row.ordering,
    startFrom: row.start_from,
    ackTimeoutMs: row.ack_timeout_ms,
    maxAttempts: row.max_attempts,
    maxInFlight: row.max_in_flight,
    position: row.settled_until,
    readPosition: row.read_position,
    head: row.head,
    epoch: row.epoch,
    lagEvents: row.done_until >= row.head ? 0n : row.head - row.done_until,
    lagSeconds: row.lag_seconds,
    moving: isIdle || (!row.ahead && !isStuck && sinceMs < Math.max(STILL_MS, row.ack_timeout_ms)),
    halted: row.ahead ? 'ahead' : isStuck ? 'full' : null,
    inFlight: row.in_flight,
    waiting: row.waiting,
    behind: row.behind,
    parked: row.parked,
    createdAtMs: row.created_at,
    movedAtMs: row.moved_at,
    askedAtMs: row.asked_at,
  };
}
