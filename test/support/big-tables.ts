import type { TestDatabase } from './test-database.ts';

/** How full the tables are made; every tenth of `waiting` has its own priority. */
export interface Fill {
  readonly waiting: number;
  /** Of those, so many in a day. */
  readonly later: number;
  /** Claims of each session. */
  readonly held: number;
  readonly dead: number;
  readonly events: number;
  readonly inbox: number;
}

/** The tables whose plans must not hang on statistics. */
const hotTables = [
  'job_claims',
  'job_payloads',
  'events',
  'event_inbox',
  'dead_jobs',
  'idempotency_keys',
];

/**
 * Fills the tables by plain SQL, as far as plans are concerned: streams are not complete. Each table
 * is analyzed when it holds one row, and never again by itself.
 * @param whenTiny called at that moment
 */
export async function fillTables(
  db: TestDatabase,
  fill: Fill,
  sessions: readonly string[],
  whenTiny: () => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const client = await db.connect();
  await client.query(`
    insert into queues (id, tenant_id, name, stream_id, version, created_at)
      values (1, 1, 'default', gen_random_uuid(), 1, now());
    insert into job_types (id, tenant_id, name) values (1, 1, 'x');
    select add_event_partition(k, (select partition_span from log_head))
      from generate_series(0, ${fill.events} / (select partition_span from log_head) + 1) as k`);
  for (const table of hotTables.filter((name) => name !== 'events')) {
    await client.query(`alter table ${table} set (autovacuum_enabled = false)`);
  }
  await client.query(`
    do $$ declare leaf regclass; begin
      for leaf in select inhrelid from pg_inherits where inhparent = 'events'::regclass loop
        execute format('alter table %s set (autovacuum_enabled = false)', leaf);
      end loop;
    end $$`);
  await insertRows(
    client,
    { waiting: 1, later: 0, held: 1, dead: 1, events: 1, inbox: 1 },
    sessions,
  );
  await client.query('update log_head set position = 1; analyze');
  await whenTiny();
  await insertRows(client, fill, sessions);
  await client.query(`
    update log_head
      set position = (select max(position) from events), highest_seq = 200,
        missing_ranges = (select array[range_agg(int8range(n, n + 1))] from generate_series(1, 200, 2) n),
        missing_fences = array[pg_current_xact_id()];
    insert into log_batches select n * 1000, now() - interval '1 hour' + n * interval '1 s'
      from generate_series(1, ${fill.events} / 1000) as n`);
}

async function insertRows(
  client: { query(sql: string): Promise<unknown> },
  fill: Fill,
  sessions: readonly string[],
): Promise<void> {
  const claimColumns = `id, run_at, submitted_at, queue_id, type_id, tenant_id, version,
    payload_bytes, max_attempts, priority`;
  const claimValues = `now() - interval '1 hour', 1, 1, 1, 1, 2, 10`;
  const soonOrLater = `case when n <= ${fill.later} then now() + interval '1 day'
    else now() - interval '1 hour' + n * interval '1 ms' end`;
  await client.query(`
    insert into job_claims (${claimColumns}, unique_key)
      select gen_random_uuid(), ${soonOrLater}, ${claimValues}, n % 10,
        case when n % 10 = 7 then 'unique-' || n end
      from generate_series(1, ${fill.waiting}) as n on conflict do nothing;
    insert into job_claims (${claimColumns}, session_id, lease_token, claimed_at)
      select gen_random_uuid(), now() - interval '1 hour', ${claimValues}, n % 10,
        session, gen_random_uuid(), now()
      from generate_series(1, ${fill.held}) as n, unnest('{${sessions.join(',')}}'::uuid[]) as session;
    insert into job_payloads (job_id, created_at, tenant_id, payload_hash, payload)
      select id, now(), 1, '\\x00', '{}' from job_claims on conflict do nothing;
    insert into dead_jobs (job_id, died_at, ${claimColumns.replace('id, run_at, ', '')}, failures)
      select gen_random_uuid(), now(), ${claimValues}, 4, 1 from generate_series(1, ${fill.dead});
    insert into idempotency_keys (tenant_id, key, fingerprint, job_ids, expires_at)
      select 1, 'key-' || n, '\\x00', '{}', now() + interval '1 day'
      from generate_series(1, ${fill.dead}) as n on conflict do nothing;
    insert into events (position, occurred_at, stream_id, version, queue_id, epoch, type, schema_version,
        correlation)
      select (select coalesce(max(position), 0) from events) + n, now(), gen_random_uuid(), 1, 1, 1, 1, 1,
        case when n % 10 < 5 then 'chain-' || n / 100 end
      from generate_series(1, ${fill.events}) as n;
    insert into event_inbox (occurred_at, stream_id, version, queue_id, type)
      select now(), gen_random_uuid(), 1, 1, 1 from generate_series(1, ${fill.inbox})`);
}

/** Of the hot tables, their partitions and their indexes. */
export const hotRelations = `
  with tables as (
    select oid from pg_class where relname in (${hotTables.map((name) => `'${name}'`).join(', ')})
    union all select inhrelid from pg_inherits where inhparent = 'events'::regclass
  )
  select oid from tables union all
  select indexrelid from pg_index where indrelid in (select oid from tables)`;

/** What the planner is told of the hot tables. */
export const statistics = {
  'of tables with one row': '',
  'of tables never analyzed': `
    delete from pg_statistic where starelid in (${hotRelations});
    update pg_class set reltuples = -1, relpages = 0 where oid in (${hotRelations})`,
  'of empty tables': `
    delete from pg_statistic where starelid in (${hotRelations});
    update pg_class set reltuples = 0, relpages = 0 where oid in (${hotRelations})`,
  'of tables with nothing but dead rows': `
    delete from pg_statistic where starelid in (${hotRelations});
    update pg_class set reltuples = 0,
      relpages = greatest(1, pg_relation_size(oid) / current_setting('block_size')::int)
    where oid in (${hotRelations})`,
  'of tables with a million rows': `
    delete from pg_statistic where starelid in (${hotRelations});
    update pg_class set reltuples = 1000000, relpages = 1 where oid in (${hotRelations})`,
  'that are right': 'analyze',
} as const;

/** Blocks that the transaction so far has asked for in tables and indexes of the schema. */
export async function blocksFetched(client: {
  query(sql: string): Promise<{ rows: unknown[] }>;
}): Promise<number> {
  const { rows } = await client.query(`
    select sum(pg_stat_get_xact_blocks_fetched(oid))::int as blocks from pg_class
    where relnamespace = current_schema()::regnamespace`);
  return (rows[0] as { blocks: number }).blocks;
}
