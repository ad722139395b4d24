import { defineStatement } from '../../store/statement.ts';

export interface SetParkedStateParams {
  readonly consumer: string;
  readonly build: number;
  readonly streamId: string;
  readonly state: 'parked' | 'retrying';
  /** Of the first event of the stream: what went wrong this time; null leaves it as it is. */
  readonly error: unknown;
}

/**
 * Lets all parked events of a stream be tried again, or parks them once more. Answers their positions.
 * Locks: their rows. Index: parked_events_streams.
 */
export const setParkedState = defineStatement<SetParkedStateParams, { position: bigint }>({
  name: 'set-parked-state',
  sql: (schema) => `
    with waiting as materialized (
      select p.position, row_number() over (order by p.position) = 1 as first
      from ${schema}.parked_events p
      where p.consumer = $1 and p.build = $2 and p.stream_id = $3 and p.state <> 'skipped'
    )
    update ${schema}.parked_events p
    set state = $4,
        attempts = p.attempts + (w.first and $5::jsonb is not null)::int,
        error = case when w.first then coalesce($5::jsonb, p.error) else p.error end
    from waiting w
    where p.consumer = $1 and p.build = $2 and p.position = w.position
    returning p.position`,
  values: ({ consumer, build, streamId, state, error }) => [
    consumer,
    build,
    streamId,
    state,
    error === null ? null : JSON.stringify(error),
  ],
});
