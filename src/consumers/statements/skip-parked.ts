import { defineStatement } from '../../store/statement.ts';

/**
 * Gives up on the first parked event of a stream, and lets those behind it be tried again.
 * Locks: the rows of the stream. Index: parked_events_streams.
 */
export const skipParked = defineStatement<
  { readonly consumer: string; readonly build: number; readonly streamId: string },
  { position: bigint }
>({
  name: 'skip-parked',
  sql: (schema) => `
    with waiting as materialized (
      select p.position, row_number() over (order by p.position) = 1 as first
      from ${schema}.parked_events p
      where p.consumer = $1 and p.build = $2 and p.stream_id = $3 and p.state <> 'skipped'
    )
    update ${schema}.parked_events p set state = case when w.first then 'skipped' else 'retrying' end
    from waiting w
    where p.consumer = $1 and p.build = $2 and p.position = w.position
    returning p.position`,
  values: ({ consumer, build, streamId }) => [consumer, build, streamId],
});
