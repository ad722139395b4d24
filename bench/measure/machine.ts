import { cpus, totalmem } from 'node:os';
import type pg from 'pg';

/** What the numbers were measured on, in a few words. */
export function describeMachine(): string {
  const processors = cpus();
  const memory = (totalmem() / 2 ** 30).toFixed(0);
  const model = processors[0]?.model ?? 'unknown';
  return `${processors.length} x ${model}, ${memory} GiB, Node ${process.versions.node}`;
}

/**
 * The settings of Postgres that numbers hang on.
 * @throws Error where what is committed may be lost
 */
export async function describePostgres(admin: pg.Client): Promise<Record<string, string>> {
  const names = [
    'server_version',
    'fsync',
    'synchronous_commit',
    'full_page_writes',
    'shared_buffers',
    'max_wal_size',
    'checkpoint_timeout',
    'wal_compression',
    'jit',
  ];
  const { rows } = await admin.query<{ name: string; setting: string }>(
    "select name, setting || coalesce(' x ' || unit, '') as setting from pg_settings where name = any ($1)",
    [names],
  );
  const settings = Object.fromEntries(rows.map(({ name, setting }) => [name, setting]));
  for (const name of ['fsync', 'synchronous_commit', 'full_page_writes']) {
    if (settings[name] !== 'on') throw new Error(`A benchmark with ${name} off says nothing.`);
  }
  return Object.fromEntries(names.map((name) => [name, settings[name] ?? '?']));
}
