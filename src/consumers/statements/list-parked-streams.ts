import { defineStatement } from '../../store/statement.ts';

/** The streams of which something waits for an operator. Locks: none. Index: parked_events_streams. */
export const listParkedStreams = defineStatement<
  { readonly consumer: string; readonly build: number },
  { stream_id: string }
>({
  name: 'list-parked-streams',
  sql: (schema) => `
    select distinct p.stream_id from ${schema}.parked_events p
    where p.consumer = $1 and p.build = $2 and p.state <> 'skipped'`,
  values: ({ consumer, build }) => [consumer, build],
});
