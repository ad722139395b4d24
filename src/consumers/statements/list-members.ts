import { defineStatement } from '../../store/statement.ts';

export interface MemberRow {
  readonly member: string;
  readonly in_flight: number;
  /** When the first of them has to be answered, in ms since the epoch. */
  readonly next_deadline: number;
}

/**
 * Who holds events of a subscription. Locks: none. Index: subscription_deliveries_pkey, over what the
 * subscription keeps.
 */
export const listMembers = defineStatement<
  { readonly subscriptionId: bigint; readonly after: bigint },
  MemberRow
>({
  name: 'list-members',
  sql: (schema) => `
    select d.member, count(*)::int as in_flight, min(d.due_at) as next_deadline
    from ${schema}.subscription_deliveries d
    where d.subscription_id = $1 and d.position > $2 and d.state = 'in-flight'
    group by d.member order by d.member`,
  values: ({ subscriptionId, after }) => [subscriptionId, after],
});
