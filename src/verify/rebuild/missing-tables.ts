import { randomBytes } from 'node:crypto';
import type { Database } from '../../store/database.ts';
import { migrate } from '../../store/migrate.ts';
import { quotedSchema } from '../../store/schema-name.ts';
import type { Executor } from '../../store/statement.ts';
import {
  adoptTable,
  dropSchema,
  findMissingTables,
} from '../../store/statements/rebuild/missing-tables.ts';

/**
 * Runs `work` in a transaction in which the claim table and the dead jobs exist. One that is missing
 * comes, as the migrations make it, from a schema that is made beside for that and dropped again; it
 * stays only if the work is kept.
 */
export async function withMissingTables<Result>(
  database: Database,
  work: (tx: Executor) => Promise<Result>,
): Promise<Result> {
  const missing = await database.run(findMissingTables, {});
  if (missing.length === 0) return database.transaction(work);
  const beside = `${database.schema.slice(0, 24)}_beside_${randomBytes(6).toString('hex')}`;
  const quoted = quotedSchema(beside);
  try {
    await migrate({ connection: database.connection, schema: beside });
    return await database.transaction(async (tx) => {
      for (const { missing: table } of missing) await tx.run(adoptTable(quoted, table), {});
      return work(tx);
    });
  } finally {
    await database.run(dropSchema(quoted), {});
  }
}
