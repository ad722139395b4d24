import { defineStatement, now } from '../statement.ts';

/**
 * Makes the head of the log where there is none, with a full pass to come, and the first epoch where
 * there is none. Locks: the rows it inserts; of many at once, all but one find them made.
 */
export const makeHead = defineStatement<
  {
    readonly partitionSpan: number;
    readonly systemIdentifier: string;
    readonly timeline: number;
  },
  never
>({
  name: 'make-head',
  sql: (schema) => `
    with log_end as (select coalesce(max(position), 0) as position from ${schema}.events),
    newest as (select max(epoch) as epoch from ${schema}.log_epochs),
    first as (
      insert into ${schema}.log_epochs
        (epoch, system_identifier, timeline, after_position, reason)
      select 1, $2, $3, log_end.position, 'first' from log_end, newest
      where newest.epoch is null
      on conflict (epoch) do nothing
    )
    insert into ${schema}.log_head (tick, position, highest_seq, missing_ranges, missing_fences,
      recorded_at, epoch, partition_span)
    select 1, log_end.position, 0, '{}', '{}',
      greatest(${now}, (select max(recorded_at) from ${schema}.log_batches)),
      coalesce(newest.epoch, 1), $1
    from log_end, newest
    on conflict (singleton) do nothing`,
  values: ({ partitionSpan, systemIdentifier, timeline }) => [
    partitionSpan,
    systemIdentifier,
    timeline,
  ],
});
