import { cpus, totalmem } from 'node:os';
import type pg from 'pg';

/** What the numbers were measured on, and the settings of Postgres that they hang on. */
export async function describeMachine(pool: pg.Pool): Promise<string[]> {
  const names = [
    'server_version',
    'fsync',
    'synchronous_commit',
    'full_page_writes',
    'shared_buffers',
    'max_wal_size',
    'jit',
  ];
  const { rows } = await pool.query<{ name: string; setting: string }>(
    "select name, setting || coalesce(' x ' || unit, '') as setting from pg_settings where name = any ($1)",
    [names],
  );
  const settings = new Map(rows.map(({ name, setting }) => [name, setting]));
  for (const name of ['fsync', 'synchronous_commit', 'full_page_writes']) {
    if (settings.get(name) !== 'on') throw new Error(`A benchmark with ${name} off says nothing.`);
  }
  const processors = cpus();
  const memory = (totalmem() / 2 ** 30).toFixed(0);
  return [
    `machine    ${processors.length} x ${processors[0]?.model ?? 'unknown'}, ${memory} GiB, Node ${process.version}`,
    `postgres   ${names.map((name) => `${name}=${settings.get(name) ?? '?'}`).join(' ')}`,
  ];
}
