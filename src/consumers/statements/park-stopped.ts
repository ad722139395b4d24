import { defineStatement, now } from '../../store/statement.ts';

export interface ParkStoppedParams {
  readonly name: string;
  /** As the failure names the stream, and the event that it is about. */
  readonly stream: string;
  readonly position: bigint;
  readonly streamId: string;
  /** What becomes of the failure: why the event is parked. */
  readonly error: unknown;
}

/**
 * Parks the event at which a consumer was stopped, and lets the consumer go on: at once, so that nobody
 * reads on who does not know that the stream is parked. No row: it is not stopped there.
 * Locks: the checkpoint row, and the row that it inserts. Indexes: consumer_checkpoints_role,
 * parked_events_pkey.
 */
export const parkStopped = defineStatement<ParkStoppedParams, { position: bigint }>({
  name: 'park-stopped',
  sql: (schema) => `
    with going_on as (
      update ${schema}.consumer_checkpoints c set halted = null, failure = null
      where c.name = $1 and c.role = 'live' and c.halted = 'failed'
        and c.failure ->> 'stream' = $2 and c.failure ->> 'position' = $3::bigint::text
      returning c.name, c.build
    )
    insert into ${schema}.parked_events as p
      (consumer, build, position, stream_id, state, attempts, error, parked_at)
    select g.name, g.build, $3, $4, 'parked', 1, $5::jsonb, ${now} from going_on g
    on conflict (consumer, build, position) do update
    set state = 'parked', attempts = p.attempts + 1, error = excluded.error
    returning position`,
  values: ({ name, stream, position, streamId, error }) => [
    name,
    stream,
    position,
    streamId,
    JSON.stringify(error),
  ],
});
