import { defineStatement } from '../../store/statement.ts';

export interface ParkedDeliveryRow {
  readonly position: bigint;
  readonly stream_id: string;
  readonly state: 'parked' | 'behind';
  readonly attempts: number;
  readonly member: string | null;
  readonly reason: string | null;
  readonly changed_at: number;
  readonly type: number;
  readonly queue: string;
}

/**
 * Parked events of a subscription and those that stand behind a parked one of their stream, by
 * position. Locks: none. Indexes: subscription_deliveries_pkey and _streams, events_pkey.
 */
export const listParkedDeliveries = defineStatement<
  {
    readonly subscriptionId: bigint;
    readonly after: bigint;
    /** The place of the subscription: nothing it keeps is beyond. */
    readonly readPosition: bigint;
    readonly limit: number;
  },
  ParkedDeliveryRow
>({
  name: 'list-parked-deliveries',
  sql: (schema) => `
    select d.position, d.stream_id, d.state, d.attempts, d.member, d.reason, d.changed_at, e.type,
      q.name as queue
    from (
      select d.* from ${schema}.subscription_deliveries d
      where d.subscription_id = $1 and d.position > $2 and (d.state = 'parked' or d.state = 'behind'
        and exists (
          select from ${schema}.subscription_deliveries head
          -- Not by the primary key, which would read all that is kept for each row.
          where head.subscription_id + 0 = $1 and head.stream_id = d.stream_id
            and head.position + 0 < d.position and head.state = 'parked'))
      order by d.position limit $4
    ) d
    cross join lateral (
      select e.type, e.queue_id from ${schema}.events e
      where e.position = d.position and e.position > $2 and e.position <= $3 limit 1
    ) e
    join ${schema}.queues q on q.id = e.queue_id
    order by d.position`,
  values: ({ subscriptionId, after, readPosition, limit }) => [
    subscriptionId,
    after,
    readPosition,
    limit,
  ],
});
