import { defineStatement } from '../../store/statement.ts';

/**
 * Which of some streams have events that wait for an operator. Locks: none.
 * Index: parked_events_streams, one probe per stream.
 */
export const findParkedStreams = defineStatement<
  { readonly consumer: string; readonly build: number; readonly streamIds: readonly string[] },
  { stream_id: string; retrying: boolean }
>({
  name: 'find-parked-streams',
  sql: (schema) => `
    select parked.stream_id, parked.retrying from unnest($3::uuid[]) as wanted (stream_id)
    cross join lateral (
      select p.stream_id, p.state = 'retrying' as retrying from ${schema}.parked_events p
      where p.consumer = $1 and p.build = $2 and p.stream_id = wanted.stream_id
        and p.state <> 'skipped'
      order by p.position limit 1
    ) parked`,
  values: ({ consumer, build, streamIds }) => [consumer, build, streamIds],
});
