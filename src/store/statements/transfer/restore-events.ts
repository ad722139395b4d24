import { jsonColumn, plainColumn, sparseColumn } from '../../parameters/columns.ts';
import { defineStatement } from '../../statement.ts';

export interface RestoredEventRow {
  readonly position: bigint;
  readonly occurredAt: string;
  readonly streamId: string;
  readonly version: number;
  readonly queueId: number;
  readonly typeId: number | null;
  readonly epoch: number;
  readonly type: number;
  readonly schemaVersion: number;
  readonly elapsedMs: number | null;
  /** JSON of an object. */
  readonly data: string;
  readonly actor: string | null;
  readonly causation: string | null;
  readonly correlation: string | null;
  /** JSON of an array of texts. */
  readonly tags: string;
}

/** Puts events back at their positions. Locks: the rows it inserts. */
export const restoreEvents = defineStatement<{ readonly rows: readonly RestoredEventRow[] }, never>(
  {
    name: 'restore-events',
    sql: (schema) => `
    insert into ${schema}.events (position, occurred_at, stream_id, version, queue_id, job_type_id,
      epoch, type, schema_version, elapsed_ms, actor, causation, correlation, data, tags)
    select i.position, i.occurred_at, i.stream_id, i.version, i.queue_id, i.type_id, i.epoch, i.type,
      i.schema_version, i.elapsed_ms, i.actor, i.causation, i.correlation,
      nullif(i.data, '{}'),
      case when i.tags <> '[]' then array(select jsonb_array_elements_text(i.tags)) end
    from rows from (
      unnest($1::bigint[], $2::timestamptz[], $3::uuid[], $4::int[], $5::int[], $6::int[], $7::int[],
        $8::smallint[], $9::smallint[], $10::int[], $11::text[], $12::text[], $13::text[]),
      jsonb_array_elements($14::jsonb), jsonb_array_elements($15::jsonb)
    ) as i (position, occurred_at, stream_id, version, queue_id, type_id, epoch, type, schema_version,
      elapsed_ms, actor, causation, correlation, data, tags)
    order by i.position`,
    values: ({ rows }) => [
      plainColumn(rows.map(({ position }) => String(position))),
      sparseColumn(rows.map(({ occurredAt }) => occurredAt)),
      plainColumn(rows.map(({ streamId }) => streamId)),
      plainColumn(rows.map(({ version }) => version)),
      plainColumn(rows.map(({ queueId }) => queueId)),
      sparseColumn(rows.map(({ typeId }) => typeId)),
      plainColumn(rows.map(({ epoch }) => epoch)),
      plainColumn(rows.map(({ type }) => type)),
      plainColumn(rows.map(({ schemaVersion }) => schemaVersion)),
      sparseColumn(rows.map(({ elapsedMs }) => elapsedMs)),
      sparseColumn(rows.map(({ actor }) => actor)),
      sparseColumn(rows.map(({ causation }) => causation)),
      sparseColumn(rows.map(({ correlation }) => correlation)),
      jsonColumn(rows.map(({ data }) => data)),
      jsonColumn(rows.map(({ tags }) => tags)),
    ],
  },
);

/** Puts the map from time to position back. Locks: the rows it inserts. */
export const restoreBatches = defineStatement<
  { readonly batches: readonly { readonly position: bigint; readonly recordedAt: string }[] },
  never
>({
  name: 'restore-batches',
  sql: (schema) => `
    insert into ${schema}.log_batches (last_position, recorded_at)
    select * from unnest($1::bigint[], $2::timestamptz[])`,
  values: ({ batches }) => [
    plainColumn(batches.map(({ position }) => String(position))),
    sparseColumn(batches.map(({ recordedAt }) => recordedAt)),
  ],
});
