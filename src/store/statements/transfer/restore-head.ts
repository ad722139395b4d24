import { defineStatement, now } from '../../statement.ts';

export interface RestoredEpochRow {
  readonly epoch: number;
  /** Null: now. */
  readonly opened_at: string | null;
  readonly system_identifier: string;
  readonly timeline: number;
  readonly after_position: string;
  readonly reason: string;
}

/** Puts back the epochs of a log. Locks: the rows it inserts. */
export const restoreEpochs = defineStatement<
  { readonly epochs: readonly RestoredEpochRow[] },
  never
>({
  name: 'restore-epochs',
  sql: (schema) => `
    insert into ${schema}.log_epochs
      (epoch, opened_at, system_identifier, timeline, after_position, reason)
    select r.epoch, coalesce(r.opened_at, statement_timestamp()), r.system_identifier, r.timeline,
      r.after_position, r.reason
    from jsonb_to_recordset($1::jsonb) as r (epoch int, opened_at timestamptz,
      system_identifier text, timeline int, after_position bigint, reason text)`,
  values: ({ epochs }) => [JSON.stringify(epochs)],
});

/**
 * Opens an epoch at the end of a log that was put back, and makes its head, with a tick that no
 * sequencer of before has read. Locks: the rows it inserts.
 */
export const restoreHead = defineStatement<
  {
    readonly epoch: number;
    readonly position: bigint;
    readonly reason: string;
    readonly tick: bigint;
    readonly span: bigint;
    readonly systemIdentifier: string;
    readonly timeline: number;
  },
  never
>({
  name: 'restore-head',
  sql: (schema) => `
    with opened as (
      insert into ${schema}.log_epochs
        (epoch, system_identifier, timeline, after_position, reason)
      values ($1, $6, $7, $2, $3)
      returning epoch
    )
    insert into ${schema}.log_head (tick, position, highest_seq, missing_ranges, missing_fences,
      recorded_at, epoch, partition_span)
    select $4, $2, 0, '{}', '{}',
      greatest(${now}, (select b.recorded_at from ${schema}.log_batches b
        order by b.last_position desc limit 1)),
      opened.epoch, $5
    from opened`,
  values: (p) => [p.epoch, p.position, p.reason, p.tick, p.span, p.systemIdentifier, p.timeline],
});
