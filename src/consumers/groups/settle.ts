import type { Executor } from '../../store/statement.ts';
import { type SettleDeliveriesParams, settleDeliveries } from '../statements/settle-deliveries.ts';
import { parseDelivery } from './delivery.ts';

/** What a member says about an event it was handed. */
export interface DeliveryAnswer {
  readonly delivery: string;
  /**
   * `ack`: done. `retry`: hand it out again after a pause. `park`: put it aside for a person to look at.
   * `skip`: give it up. `return`: nobody has seen it, hand it out as before.
   */
  readonly action: SettleDeliveriesParams['actions'][number];
  /**
   * Before it is handed out again. Left out: none before a return, and before a retry 1 s, doubled with
   * each attempt up to 5 min.
   */
  readonly delayMs?: number | undefined;
  /** Why; shown with parked events. */
  readonly reason?: string | undefined;
}

/** What became of an answer. */
export interface DeliveryOutcome {
  readonly delivery: string;
  /**
   * `already-recorded`: it was answered before. `delivery-lost`: the event was handed out anew after
   * its deadline, given up by an operator, or answered and forgotten; nothing was recorded.
   */
  readonly outcome: 'recorded' | 'already-recorded' | 'delivery-lost';
  /** What a recorded answer made of the event. */
  readonly state?: 'settled' | 'waiting' | 'parked';
}

/** Answers deliveries; each item has an outcome of its own, in the order given. */
export async function settle(
  database: Executor,
  tenantId: number,
  name: string,
  answers: readonly DeliveryAnswer[],
): Promise<DeliveryOutcome[]> {
  const known = answers.flatMap((answer) => {
    const token = parseDelivery(answer.delivery);
    return token === undefined ? [] : [{ ...answer, ...token }];
  });
  const rows = await database.run(settleDeliveries, {
    tenantId,
    name,
    positions: known.map(({ position }) => position),
    deliveries: known.map(({ id }) => id),
    actions: known.map(({ action }) => action),
    delaysMs: known.map(({ delayMs }) => delayMs ?? null),
    reasons: known.map(({ reason }) => reason ?? null),
  });
  const byId = new Map(rows.map((row) => [row.delivery, row]));
  return answers.map(({ delivery }) => {
    const row = byId.get(parseDelivery(delivery)?.id ?? '');
    if (row === undefined) return { delivery, outcome: 'delivery-lost' };
    if (!row.changed) return { delivery, outcome: 'already-recorded' };
    return { delivery, outcome: 'recorded', state: row.state };
  });
}
