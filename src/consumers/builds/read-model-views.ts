import type { Executor } from '../../store/statement.ts';
import type { BuildTransaction } from './create-build.ts';
import { type ColumnRow, listColumns } from '../statements/list-columns.ts';
import { runText } from '../statements/run-text.ts';
import { type Build, tableOfBuild } from './build.ts';

/**
 * Puts a view over each table of a read model's live build, under the name that readers use. While a
 * build of another version is made beside it, the view has the columns of both: processes of either
 * version can read it, and what the live build lacks is null. A table that is only in the new version
 * shows nothing yet.
 * Locks: each view, ACCESS EXCLUSIVE, until the end of the transaction.
 */
export async function setReadModelViews(
  { tx, client, schema }: BuildTransaction,
  live: Build,
  building: Build | undefined,
): Promise<void> {
  const liveTables = live.tables ?? [];
  const newTables = building?.tables ?? [];
  const columns = await columnsOf(tx, [
    ...liveTables.map((name) => tableOfBuild(name, live.build)),
    ...newTables.map((name) => tableOfBuild(name, building?.build ?? 0)),
  ]);
  for (const name of new Set([...liveTables, ...newTables])) {
    const present = columns.get(tableOfBuild(name, live.build)) ?? [];
    const future = columns.get(tableOfBuild(name, building?.build ?? 0)) ?? [];
    const known = new Set(present.map((column) => column.name));
    const lacking = future.filter((column) => !known.has(column.name));
    const selected = [
      ...present.map((column) => column.name),
      ...lacking.map((column) => `null::${column.type} as ${column.name}`),
    ];
    const from =
      present.length === 0 ? 'where false' : `from ${schema}.${tableOfBuild(name, live.build)}`;
    await runText(client, `drop view if exists ${schema}.${name}`);
    await runText(client, `create view ${schema}.${name} as select ${selected.join(', ')} ${from}`);
  }
}

/** Takes the views over a build's tables away. */
export async function dropViews(
  { client, schema }: BuildTransaction,
  { tables }: Build,
): Promise<void> {
  for (const name of tables ?? []) await runText(client, `drop view if exists ${schema}.${name}`);
}

async function columnsOf(
  tx: Executor,
  tables: readonly string[],
): Promise<ReadonlyMap<string, readonly ColumnRow[]>> {
  const byTable = new Map<string, ColumnRow[]>();
  for (const row of await tx.run(listColumns, { tables })) {
    byTable.set(row.table_name, [...(byTable.get(row.table_name) ?? []), row]);
  }
  return byTable;
}
