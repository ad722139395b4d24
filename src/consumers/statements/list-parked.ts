import { defineStatement } from '../../store/statement.ts';

export interface ParkedRow {
  readonly position: bigint;
  readonly stream_id: string;
  readonly state: 'parked' | 'retrying' | 'skipped';
  readonly attempts: number;
  readonly error: unknown;
  readonly parked_at: number;
}

/** What the live build of a consumer has put aside, in order. Locks: none. Index: parked_events_pkey. */
export const listParked = defineStatement<
  { readonly consumer: string; readonly after: bigint; readonly limit: number },
  ParkedRow
>({
  name: 'list-parked',
  sql: (schema) => `
    select p.position, p.stream_id, p.state, p.attempts, p.error, p.parked_at
    from ${schema}.consumer_checkpoints c
    join ${schema}.parked_events p on p.consumer = c.name and p.build = c.build
    where c.name = $1 and c.role = 'live' and p.position > $2
    order by p.position limit $3`,
  values: ({ consumer, after, limit }) => [consumer, after, limit],
});
