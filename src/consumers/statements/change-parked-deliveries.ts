import { defineStatement, now } from '../../store/statement.ts';

/**
 * Has parked events of a subscription handed out again, counted from nothing, or gives them up; all of
 * them, or those of one stream. Whatever stands behind them follows as they are settled.
 * Locks: the rows, FOR UPDATE, in order of positions.
 * Index: subscription_deliveries_pkey, over what the subscription keeps; changed by ctid.
 */
export const changeParkedDeliveries = defineStatement<
  {
    readonly subscriptionId: bigint;
    readonly streamId: string | null;
    readonly becomes: 'waiting' | 'settled';
  },
  { changed: number }
>({
  name: 'change-parked-deliveries',
  sql: (schema) => `
    with parked as materialized (
      select d.ctid as row_at from ${schema}.subscription_deliveries d
      where d.subscription_id = $1 and d.state = 'parked' and ($2::uuid is null or d.stream_id = $2)
      order by d.position
      for update of d
    ),
    changed as (
      update ${schema}.subscription_deliveries d
      set state = $3, attempts = 0, delivery = null, changed_at = ${now},
          due_at = case when $3 = 'settled' then '-infinity'::timestamptz else ${now} end
      where d.ctid = any (array(select row_at from parked))
      returning d.position
    )
    select count(*)::int as changed from changed`,
  values: ({ subscriptionId, streamId, becomes }) => [subscriptionId, streamId, becomes],
});
