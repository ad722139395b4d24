import {
  createLogTail,
  type LogTail,
  type LogTailOptions,
} from '../../../src/consumers/tail/log-tail.ts';
import type { EventBatch, Subscription } from '../../../src/consumers/tail/subscription.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import { type Observer, silentObserver } from '../../../src/kernel/observer.ts';
import type { TestProcess } from '../../support/test-database.ts';

export interface TestTail extends LogTail {
  readonly counted: { sent: number; behind: number };
}

/** A tail of its own on the database of a test. */
export function openTail(db: TestProcess, options: Partial<LogTailOptions> = {}): TestTail {
  const counted = { sent: 0, behind: 0 };
  const observer: Observer = {
    ...silentObserver,
    warn: db.context.observer.warn,
    eventsSent: (count) => {
      counted.sent += count;
    },
    fellBehind: () => {
      counted.behind += 1;
    },
  };
  const { database, wakeUp } = db;
  const parts = {
    database,
    wakeUp,
    tenantId: 1,
    observer,
    clock: systemClock,
    random: Math.random,
  };
  return Object.assign(createLogTail({ ...parts, ...options }), { counted });
}

/** Takes batches until `enough` holds of all of them. */
export async function takeUntil(
  subscription: Subscription,
  enough: (batches: readonly EventBatch[]) => boolean,
): Promise<EventBatch[]> {
  const batches: EventBatch[] = [];
  while (!enough(batches)) {
    const batch = await subscription.next();
    if (batch === undefined) break;
    batches.push(batch);
  }
  return batches;
}

export const caughtUp = (batches: readonly EventBatch[]): boolean =>
  batches.at(-1)?.caughtUp === true;

/** The positions of all events, as numbers. */
export function positionsOf(batches: readonly EventBatch[]): number[] {
  return batches.flatMap(({ events }) => events.map(({ position }) => Number(position)));
}

/** `first`, ..., `last` */
export function numbers(first: number, last: number): number[] {
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index);
}
