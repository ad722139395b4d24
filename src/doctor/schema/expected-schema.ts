import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { migrationsFolder, schemaFile } from '../../store/migrate.ts';
import { parseSchemaText, type SchemaDescription } from './schema-description.ts';

/** What a database looks like that this version has migrated, its read models included. */
export interface ExpectedSchema {
  readonly description: SchemaDescription;
  /** In their order. */
  readonly migrations: readonly string[];
}

/** Reads what the package brings along: its migrations, and beside them what they lead to. */
export async function readExpectedSchema(): Promise<ExpectedSchema> {
  const files = await readdir(migrationsFolder);
  const migrations = files.filter((file) => file.endsWith('.sql')).toSorted();
  return {
    description: parseSchemaText(await readFile(join(migrationsFolder, schemaFile), 'utf8')),
    migrations: migrations.map((file) => file.slice(0, -'.sql'.length)),
  };
}
