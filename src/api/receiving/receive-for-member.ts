import type { Delivery, Received } from '../../consumers/groups/receive.ts';
import { DaybookError } from '../../kernel/errors.ts';
import type { Api } from '../dependencies.ts';
import type { Turns } from '../requests/turns.ts';
import type { Wait } from '../requests/waits.ts';

/** What a member of a group asks for. */
export interface ReceiveOrder {
  readonly name: string;
  readonly member: string;
  readonly limit: number;
  readonly waitMs: number;
}

/** Without a hint, how long until the subscription is looked at again. */
const POLL_MS = 500;
/** Hints come with every batch of a busy log: under a filter that fits little, looks keep this apart. */
const APART_MS = 20;

/**
 * Hands events to a member over HTTP, waiting for one where there is none. What was taken for a client
 * that has gone meanwhile is given back at once.
 * @throws DaybookError `subscription-not-found`, `subscription-ahead`, `subscription-full`, `overloaded`
 *   while draining
 */
export async function receiveForMember(
  api: Api,
  turns: Turns<bigint>,
  order: ReceiveOrder,
  wait: Wait,
): Promise<Received> {
  if (api.isDraining()) throw new DaybookError('overloaded', 'This process is shutting down.');
  const turn = turns.enter(await api.subscriptions.idOf(order.name));
  const { clock } = api;
  const deadline = clock.elapsedMs() + order.waitMs;
  try {
    for (;;) {
      const lookedAt = clock.elapsedMs();
      const received = await api.subscriptions.receive(order.name, order);
      if (received.deliveries.length > 0) {
        turn.pass();
        if (!wait.abandoned) return received;
        await giveBack(api, order.name, received.deliveries);
        return { ...received, deliveries: [] };
      }
      const leftMs = deadline - clock.elapsedMs();
      if (leftMs <= 0 || wait.signal.aborted || api.isDraining()) return received;
      if (received.again) continue;
      // Looks of many waiting members spread out by themselves if their pauses differ.
      const pauseMs = POLL_MS * (0.9 + 0.2 * api.context.random());
      const dueMs = received.nextDueMs ?? Number.POSITIVE_INFINITY;
      await turn.wait(Math.min(pauseMs, leftMs, dueMs), wait.signal);
      const soonMs = lookedAt + APART_MS - clock.elapsedMs();
      if (soonMs > 0) await clock.sleep(Math.min(soonMs, leftMs), wait.signal);
    }
  } finally {
    turn.leave();
  }
}

/** Gives back events that no member has seen; their attempts do not count. */
export async function giveBack(
  api: Api,
  name: string,
  deliveries: readonly Delivery[],
): Promise<void> {
  if (deliveries.length === 0) return;
  await api.subscriptions.settle(
    name,
    deliveries.map(({ delivery }) => ({ delivery, action: 'return' })),
  );
}
