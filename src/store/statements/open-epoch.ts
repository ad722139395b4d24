import { defineStatement, now } from '../statement.ts';

/**
 * Opens the next epoch, from the end of the log on. Whoever holds leases and duties got them before,
 * maybe on another server and by another clock: sessions end, and the caretaker takes their jobs back;
 * duties are free. Called with the head row locked.
 * Locks: the head row, sessions that have not ended, duties.
 */
export const openEpoch = defineStatement<
  {
    readonly systemIdentifier: string;
    readonly timeline: number;
    readonly reason: string;
    /** Where processes listen. */
    readonly channel: string;
  },
  { epoch: number; after_position: bigint; sessions_ended: number }
>({
  name: 'open-epoch',
  sql: (schema) => `
    with opened as (
      insert into ${schema}.log_epochs
        (epoch, system_identifier, timeline, after_position, reason)
      select (select max(epoch) from ${schema}.log_epochs) + 1, $1, $2, h.position, $3
      from ${schema}.log_head h
      returning epoch, after_position
    ),
    headed as (
      update ${schema}.log_head h set epoch = opened.epoch, tick = h.tick + 1 from opened
    ),
    ended as (
      update ${schema}.worker_sessions s set ended_at = ${now}
      where s.id = any (array(
        select o.id from ${schema}.worker_sessions o where o.ended_at is null
        order by o.id for no key update))
      returning s.id
    ),
    freed as (delete from ${schema}.duties)
    select o.epoch, o.after_position, (select count(*)::int from ended) as sessions_ended,
      pg_notify($4, 'epoch')::text as told
    from opened o`,
  values: ({ systemIdentifier, timeline, reason, channel }) => [
    systemIdentifier,
    timeline,
    reason,
    channel,
  ],
});
