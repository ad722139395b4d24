import { defineStatement, now } from '../statement.ts';

/**
 * Makes sure that the log belongs to this server: makes the head where there is none (with a full
 * pass to come), and opens a new epoch where the server's identity or timeline is another than the
 * one the epoch was opened on (a restore, or a failover that may have lost a tail).
 * Locks: the head row. Answers the epoch in force.
 */
export const openEpoch = defineStatement<
  { readonly partitionSpan: number },
  { epoch: number; opened: boolean }
>({
  name: 'open-epoch',
  sql: (schema) => `
    with server as (
      select system_identifier::text as system_identifier,
        ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int as timeline
      from pg_control_system()
    ),
    newest as (select * from ${schema}.log_epochs order by epoch desc limit 1),
    log_end as (select coalesce(max(position), 0) as position from ${schema}.events),
    opened as (
      insert into ${schema}.log_epochs
        (epoch, system_identifier, timeline, after_position, reason)
      select coalesce(n.epoch, 0) + 1, s.system_identifier, s.timeline, log_end.position,
        case when n.epoch is null then 'first' else 'another server or timeline' end
      from server s cross join log_end left join newest n on true
      where n.epoch is null or n.system_identifier <> s.system_identifier
        or n.timeline <> s.timeline
      on conflict (epoch) do nothing
      returning epoch
    ),
    headed as (
      insert into ${schema}.log_head as h (tick, position, highest_seq, missing_ranges,
        missing_fences, recorded_at, epoch, partition_span)
      select 1, log_end.position, 0, '{}', '{}', ${now},
        coalesce((select epoch from opened), (select epoch from newest), 1), $1
      from log_end
      on conflict (singleton) do update
        -- Transaction ids of another server say nothing here: a full pass, with nothing missing.
        set epoch = excluded.epoch, tick = h.tick + 1, highest_seq = 0, missing_ranges = '{}',
            missing_fences = '{}'
      where h.epoch <> excluded.epoch
      returning h.epoch
    )
    select coalesce((select epoch from headed), (select epoch from opened),
        (select epoch from newest), 1) as epoch,
      exists (select from opened) as opened`,
  values: ({ partitionSpan }) => [partitionSpan],
});
