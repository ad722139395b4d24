import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrationsFolder } from '../../../src/store/migrate.ts';

/** What a later version may add while this one and the one before run: only what neither needs. */
const expand = `-- Up Migration
-- Purpose: stands for the expanding half of any change.
-- Locks: job_claims, event_inbox and events ACCESS EXCLUSIVE, for as long as the catalogue takes.
-- Breaking: no.
alter table job_claims add column later text;
alter table event_inbox add column later integer not null default 0;
alter table events add column later integer;
create table later (id integer primary key);
`;

export interface LaterVersion {
  /** Its migrations: those there are, and one more. */
  readonly folder: string;
  /** Of the one more. */
  readonly name: string;
  remove(): Promise<void>;
}

/** The migrations of a version that does not exist yet. */
export async function makeLaterVersion(sql = expand): Promise<LaterVersion> {
  const folder = await mkdtemp(join(tmpdir(), 'daybook-migrations-'));
  await cp(migrationsFolder, folder, { recursive: true });
  const name = '9999_later';
  await writeFile(join(folder, `${name}.sql`), sql);
  return { folder, name, remove: () => rm(folder, { recursive: true }) };
}
