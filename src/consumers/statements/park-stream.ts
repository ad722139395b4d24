import { defineStatement, now } from '../../store/statement.ts';

export interface ParkStreamParams {
  readonly consumer: string;
  readonly build: number;
  readonly streamId: string;
  /** In order. */
  readonly positions: readonly bigint[];
  /** Of the first of them; null for events that only wait behind others. */
  readonly error: unknown;
  readonly attempts: number;
}

/**
 * Puts events of a stream aside, behind those that are there already: where an operator wants these
 * tried again, the new ones are as well. What is parked already stays as it is.
 * Locks: the rows it inserts. Indexes: parked_events_pkey, parked_events_streams.
 */
export const parkStream = defineStatement<ParkStreamParams, never>({
  name: 'park-stream',
  sql: (schema) => `
    insert into ${schema}.parked_events
      (consumer, build, position, stream_id, state, attempts, error, parked_at)
    select $1, $2, e.position, $3::uuid,
      case when exists (
        select from ${schema}.parked_events p
        where p.consumer = $1 and p.build = $2 and p.stream_id = $3::uuid and p.state = 'retrying')
      then 'retrying' else 'parked' end,
      case when e.n = 1 then $5::int else 0 end, case when e.n = 1 then $6::jsonb end, ${now}
    from unnest($4::bigint[]) with ordinality as e (position, n)
    order by e.position
    on conflict (consumer, build, position) do nothing`,
  values: ({ consumer, build, streamId, positions, error, attempts }) => [
    consumer,
    build,
    streamId,
    positions,
    attempts,
    error === null ? null : JSON.stringify(error),
  ],
});
