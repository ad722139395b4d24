import { defineStatement } from '../../store/statement.ts';

/**
 * The first event of a stream that an operator wants tried again, of those streams the one that was
 * parked first. It is taken out; the transaction that handles it commits that, or puts it back.
 * Locks: its row, FOR UPDATE SKIP LOCKED. Indexes: parked_events_pkey in order of positions.
 */
export const takeParked = defineStatement<
  { readonly consumer: string; readonly build: number },
  { position: bigint; attempts: number }
>({
  name: 'take-parked',
  sql: (schema) => `
    delete from ${schema}.parked_events p
    where (p.consumer, p.build, p.position) = (
      select first.consumer, first.build, first.position from ${schema}.parked_events first
      where first.consumer = $1 and first.build = $2 and first.state = 'retrying'
      order by first.position limit 1
      for update skip locked)
    returning p.position, p.attempts`,
  values: ({ consumer, build }) => [consumer, build],
});
