import type { Database } from '../../store/database.ts';
import { quotedSchema } from '../../store/schema-name.ts';
import type { BuildTransaction } from './create-build.ts';

/** Runs `work` in one transaction, in which the tables of builds may be made and dropped. */
export function inBuildTransaction<Result>(
  database: Database,
  work: (transaction: BuildTransaction) => Promise<Result>,
): Promise<Result> {
  const schema = quotedSchema(database.schema);
  return database.patient.transaction((tx, client) => work({ tx, client, schema }));
}
