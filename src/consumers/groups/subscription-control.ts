import type { Clock } from '../../kernel/clock.ts';
import { DaybookError } from '../../kernel/errors.ts';
import type { Observer } from '../../kernel/observer.ts';
import type { Database } from '../../store/database.ts';
import type { WakeUp } from '../../store/wake-up.ts';
import { changeParkedDeliveries } from '../statements/change-parked-deliveries.ts';
import { changeSubscription } from '../statements/change-subscription.ts';
import { createSubscription } from '../statements/create-subscription.ts';
import { deleteSubscription } from '../statements/delete-subscription.ts';
import {
  findSubscription,
  type SubscriptionNow,
  type SubscriptionRow,
} from '../statements/find-subscription.ts';
import { forgetDeliveries } from '../statements/forget-deliveries.ts';
import { resetSubscription } from '../statements/reset-subscription.ts';
import { createInTurn } from './in-turn.ts';
import { type ParkedDelivery, readParked } from './parked.ts';
import { type Received, receiveOnce } from './receive.ts';
import { type DeliveryAnswer, type DeliveryOutcome, settle } from './settle.ts';
import { startAt } from './start-at.ts';
import {
  readMembers,
  readSubscriptions,
  type SubscriptionMember,
  type SubscriptionState,
} from './subscription-state.ts';
import {
  type StartFrom,
  subscriptionDefaults,
  subscriptionLimits,
  type SubscriptionPlan,
  tidyFilter,
} from './subscription.ts';

/** What can be changed of a subscription that exists. */
export type SubscriptionChange = {
  readonly [Field in Exclude<keyof SubscriptionPlan, 'order' | 'startFrom'>]?:
    | SubscriptionPlan[Field]
    | undefined;
};

/**
 * Named readers of the log whose place Daybook keeps: members ask for events and answer each, and an
 * event that is not answered in time is handed out again. Delivery is at least once.
 * All but `put` and `list` throw DaybookError `subscription-not-found`.
 */
export interface SubscriptionControl {
  /**
   * Makes a subscription, or finds it there just so.
   * @throws DaybookError `subscription-differs`, `too-many-subscriptions`, `position-ahead`,
   *   `token-expired`
   */
  put(
    name: string,
    plan?: Partial<SubscriptionPlan>,
  ): Promise<{ readonly created: boolean; readonly subscription: SubscriptionState }>;
  /** Changes settings; a filter counts for events that have not been read yet. */
  change(name: string, change: SubscriptionChange): Promise<SubscriptionState>;
  list(): Promise<SubscriptionState[]>;
  get(name: string): Promise<SubscriptionState>;
  /** Who holds events. */
  members(name: string): Promise<SubscriptionMember[]>;
  remove(name: string): Promise<void>;
  /** What wakes receivers is about this id; a reset gives another one. */
  idOf(name: string): Promise<bigint>;
  /**
   * Looks once for events to hand out to a member, without waiting for any.
   * @throws DaybookError `subscription-ahead`, `subscription-full`
   */
  receive(
    name: string,
    order: { readonly member: string; readonly limit: number },
  ): Promise<Received>;
  settle(name: string, answers: readonly DeliveryAnswer[]): Promise<DeliveryOutcome[]>;
  /** What is parked, and what stands behind that, by position. @param after a position */
  parked(name: string, after: bigint, limit: number): Promise<ParkedDelivery[]>;
  /** Has parked events handed out again; answers how many. @param streamId those of one stream */
  replayParked(name: string, streamId?: string): Promise<number>;
  /** Gives parked events up, and lets those behind them follow; answers how many were parked. */
  skipParked(name: string, streamId?: string): Promise<number>;
  /**
   * Begins anew from another place, and forgets what is in flight, waiting or parked.
   * @throws DaybookError `position-ahead`, `token-expired`
   */
  reset(name: string, to: StartFrom): Promise<SubscriptionState>;
}

export interface SubscriptionControlParts {
  readonly database: Database;
  readonly tenantId: number;
  readonly wakeUp: WakeUp;
  readonly clock: Clock;
  readonly random: () => number;
  readonly observer: Observer;
  /** Events kept per subscription, beyond which no new ones are read; default 10,000. */
  readonly maxKept?: number;
}

export function createSubscriptionControl(parts: SubscriptionControlParts): SubscriptionControl {
  return new Control(parts);
}

class Control implements SubscriptionControl {
  readonly #parts: SubscriptionControlParts;
  readonly #maxKept: number;
  readonly #inTurn = createInTurn();

  constructor(parts: SubscriptionControlParts) {
    this.#parts = parts;
    this.#maxKept = parts.maxKept ?? subscriptionLimits.kept;
  }

  async put(name: string, given: Partial<SubscriptionPlan> = {}) {
    const { database, tenantId } = this.#parts;
    const plan = { ...subscriptionDefaults, ...given };
    const filter = JSON.stringify(tidyFilter(plan.filter));
    const findIt = async () => (await database.run(findSubscription, { tenantId, name }))[0];
    let found = await findIt();
    if (found === undefined) {
      const position = await startAt(database, tenantId, plan.startFrom);
      const limit = subscriptionLimits.subscriptions;
      const wanted = { ...plan, tenantId, name, filter, position, limit };
      const [done] = await database.run(createSubscription, wanted);
      if (done?.created === true) return { created: true, subscription: await this.get(name) };
      found = await findIt();
      if (found === undefined) {
        throw new DaybookError('too-many-subscriptions', `There are ${limit} subscriptions.`);
      }
    }
    const fields = differences(found, plan, filter).join(', ');
    if (fields === '') return { created: false, subscription: await this.get(name) };
    throw new DaybookError('subscription-differs', `"${name}" differs in ${fields}.`, {
      facts: { fields },
    });
  }

  async change(name: string, { filter, ...change }: SubscriptionChange) {
    const { database, tenantId } = this.#parts;
    const [changed] = await database.run(changeSubscription, {
      tenantId,
      name,
      filter: filter === undefined ? null : JSON.stringify(tidyFilter(filter)),
      ackTimeoutMs: change.ackTimeoutMs ?? null,
      maxAttempts: change.maxAttempts ?? null,
      maxInFlight: change.maxInFlight ?? null,
    });
    if (changed === undefined) throw notFound(name);
    this.#hint(changed.id);
    return this.get(name);
  }

  list() {
    const { database, tenantId } = this.#parts;
    return readSubscriptions(database, tenantId, null, this.#maxKept);
  }

  async get(name: string) {
    const { database, tenantId } = this.#parts;
    const [found] = await readSubscriptions(database, tenantId, name, this.#maxKept);
    if (found === undefined) throw notFound(name);
    return found;
  }

  async members(name: string) {
    return readMembers(this.#parts.database, await this.#find(name));
  }

  async remove(name: string) {
    const { database, tenantId } = this.#parts;
    const [gone] = await database.run(deleteSubscription, { tenantId, name });
    if (gone === undefined) throw notFound(name);
    await database.run(forgetDeliveries, {});
    this.#hint(gone.id);
  }

  async idOf(name: string) {
    return (await this.#find(name)).id;
  }

  async receive(name: string, { member, limit }: { member: string; limit: number }) {
    const { database, tenantId, observer } = this.#parts;
    const find = () => this.#find(name);
    const order = { tenantId, member, limit, maxKept: this.#maxKept, find };
    const received = await this.#inTurn(name, () => receiveOnce(this.#parts, order));
    const { unknown } = received;
    if (unknown.length > 0) {
      observer.warn('events of types that this version does not know were handed back', { name });
      await settle(database, tenantId, name, unknown.map(returnedLater));
    }
    return received;
  }

  async settle(name: string, answers: readonly DeliveryAnswer[]) {
    const { database, tenantId } = this.#parts;
    const outcomes = await settle(database, tenantId, name, answers);
    // Also tells of a subscription that is not there.
    const id = await this.idOf(name);
    if (outcomes.some(({ outcome }) => outcome === 'recorded')) this.#hint(id);
    return outcomes;
  }

  async parked(name: string, after: bigint, limit: number) {
    return readParked(this.#parts.database, await this.#find(name), after, limit);
  }

  replayParked(name: string, streamId?: string) {
    return this.#changeParked(name, streamId ?? null, 'waiting');
  }

  skipParked(name: string, streamId?: string) {
    return this.#changeParked(name, streamId ?? null, 'settled');
  }

  async reset(name: string, to: StartFrom) {
    const { database, tenantId } = this.#parts;
    const before = await this.idOf(name);
    const position = await startAt(database, tenantId, to);
    const [changed] = await database.run(resetSubscription, { tenantId, name, position });
    if (changed === undefined) throw notFound(name);
    await database.run(forgetDeliveries, {});
    this.#hint(before);
    return this.get(name);
  }

  async #changeParked(name: string, streamId: string | null, becomes: 'waiting' | 'settled') {
    const { database } = this.#parts;
    const subscriptionId = await this.idOf(name);
    const wanted = { subscriptionId, streamId, becomes };
    const [row] = await database.run(changeParkedDeliveries, wanted);
    this.#hint(subscriptionId);
    return row?.changed ?? 0;
  }

  async #find(name: string): Promise<SubscriptionNow> {
    const { database, tenantId } = this.#parts;
    const [found] = await database.run(findSubscription, { tenantId, name });
    if (found === undefined) throw notFound(name);
    return found;
  }

  #hint(id: bigint): void {
    this.#parts.wakeUp.hint(`subscription:${id}`);
  }
}

/** Left to processes that know more; a look at once would only find it again. */
function returnedLater(delivery: string): DeliveryAnswer {
  return { delivery, action: 'return', delayMs: 5_000 };
}

/** The fields in which what there is differs from what is wanted. */
function differences(found: SubscriptionRow, plan: SubscriptionPlan, filter: string): string[] {
  const same: Readonly<Record<keyof SubscriptionPlan, boolean>> = {
    filter: JSON.stringify(tidyFilter(found.filter)) === filter,
    order: found.ordering === plan.order,
    startFrom: found.start_from === plan.startFrom,
    ackTimeoutMs: found.ack_timeout_ms === plan.ackTimeoutMs,
    maxAttempts: found.max_attempts === plan.maxAttempts,
    maxInFlight: found.max_in_flight === plan.maxInFlight,
  };
  return Object.entries(same).flatMap(([field, isSame]) => (isSame ? [] : [field]));
}

function notFound(name: string): DaybookError {
  return new DaybookError('subscription-not-found', `There is no subscription "${name}".`);
}
