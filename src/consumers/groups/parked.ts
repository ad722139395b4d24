import { eventTypeOf, type EventType } from '../../domain/event-types.ts';
import type { Executor } from '../../store/statement.ts';
import { listParkedDeliveries } from '../statements/list-parked-deliveries.ts';

/** An event that a subscription has put aside. */
export interface ParkedDelivery {
  readonly position: bigint;
  readonly streamId: string;
  /** Null for a type that a newer version wrote. */
  readonly type: EventType | null;
  readonly queue: string;
  /** `behind`: it waits for a parked event of its stream. */
  readonly state: 'parked' | 'behind';
  /** How often it was handed out; 0 for one behind. */
  readonly attempts: number;
  /** Who had it last. */
  readonly member: string | null;
  readonly reason: string | null;
  readonly parkedAtMs: number;
}

/** What a subscription has put aside, by position. */
export async function readParked(
  database: Executor,
  of: { readonly id: bigint; readonly read_position: bigint },
  after: bigint,
  limit: number,
): Promise<ParkedDelivery[]> {
  const wanted = { subscriptionId: of.id, readPosition: of.read_position, after, limit };
  const rows = await database.run(listParkedDeliveries, wanted);
  return rows.map((row) => ({
    position: row.position,
    streamId: row.stream_id,
    type: eventTypeOf(row.type) ?? null,
    queue: row.queue,
    state: row.state,
    attempts: row.attempts,
    member: row.member,
    reason: row.reason,
    parkedAtMs: row.changed_at,
  }));
}
