import { defineStatement, now } from '../../store/statement.ts';

export interface ParkEventsParams {
  readonly consumer: string;
  readonly build: number;
  readonly positions: readonly bigint[];
  readonly streamIds: readonly string[];
  readonly state: 'parked' | 'retrying' | 'skipped';
  /** How often its handler has failed on the first of them; 0 for those that only wait behind one. */
  readonly attempts: number;
  readonly error: unknown;
}

/** Puts events aside. Locks: the rows it inserts. Index: parked_events_pkey. */
export const parkEvents = defineStatement<ParkEventsParams, never>({
  name: 'park-events',
  sql: (schema) => `
    insert into ${schema}.parked_events
      (consumer, build, position, stream_id, state, attempts, error, parked_at)
    select $1, $2, e.position, e.stream_id, $5, $6, $7::jsonb, ${now}
    from unnest($3::bigint[], $4::uuid[]) as e (position, stream_id)
    order by e.position`,
  values: ({ consumer, build, positions, streamIds, state, attempts, error }) => [
    consumer,
    build,
    positions,
    streamIds,
    state,
    attempts,
    error === null ? null : JSON.stringify(error),
  ],
});
