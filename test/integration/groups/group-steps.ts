import { changeJobs } from '../../../src/commands/change/change-jobs.ts';
import {
  createSubscriptionControl,
  type SubscriptionControl,
  type SubscriptionControlParts,
} from '../../../src/consumers/groups/subscription-control.ts';
import type { Delivery, Received } from '../../../src/consumers/groups/receive.ts';
import type { DeliveryAnswer, DeliveryOutcome } from '../../../src/consumers/groups/settle.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import { submitMany } from '../../support/job-steps.ts';
import { sequenceAll } from '../../support/log-steps.ts';
import type { TestDatabase, TestProcess } from '../../support/test-database.ts';

/** Subscriptions as one process has them. */
export function controlOf(
  { context }: Pick<TestProcess, 'context'>,
  options: Partial<SubscriptionControlParts> = {},
): SubscriptionControl {
  return createSubscriptionControl({ ...context, clock: systemClock, ...options });
}

/** Submits jobs, and cancels them: two events each, which then stand in the log. Gives the ids. */
export async function makeJobs(
  db: TestDatabase,
  count: number,
  job: Parameters<typeof submitMany>[2] = {},
): Promise<string[]> {
  const ids = await submitMany(db, count, job);
  await cancelJobs(db, ids);
  await sequenceAll(db.database);
  return ids;
}

export async function cancelJobs(db: TestDatabase, ids: readonly string[]): Promise<void> {
  const command = { kind: 'cancel', reason: null } as const;
  await changeJobs(
    db.context,
    ids.map((id) => ({ id, command })),
    {},
  );
}

export interface Member {
  /** One look, for up to 100 events unless told otherwise. */
  take(limit?: number): Promise<readonly Delivery[]>;
  look(limit?: number): Promise<Received>;
  answer(
    action: DeliveryAnswer['action'],
    deliveries: readonly Delivery[],
    more?: Partial<DeliveryAnswer>,
  ): Promise<DeliveryOutcome[]>;
}

/** A member of a group, by name. */
export function memberOf(control: SubscriptionControl, group: string, member = 'one'): Member {
  const look = (limit = 100) => control.receive(group, { member, limit });
  return {
    look,
    take: async (limit) => (await look(limit)).deliveries,
    answer: (action, deliveries, more = {}) =>
      control.settle(
        group,
        deliveries.map(({ delivery }) => ({ ...more, delivery, action })),
      ),
  };
}

/** Whatever is in flight has not been answered in time. */
export async function lapseDeliveries(db: TestDatabase): Promise<void> {
  await db.database.pool.query(
    `update ${db.schema}.subscription_deliveries set due_at = now() - interval '1 s'
     where state = 'in-flight'`,
  );
}

/** Whatever waits for a time may be handed out now. */
export async function endPauses(db: TestDatabase): Promise<void> {
  await db.database.pool.query(
    `update ${db.schema}.subscription_deliveries set due_at = now() - interval '1 s'
     where state = 'waiting'`,
  );
}

/** Events in a few words: the place of their job among the ids, and their type. */
export function said(deliveries: readonly Delivery[], ids: readonly string[]): string[] {
  return deliveries.map(({ event }) => `${ids.indexOf(event.streamId)} ${event.type}`);
}
