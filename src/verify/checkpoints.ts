import { projections } from '../projections/registry.ts';
import type { RowFold } from '../projections/row-fold.ts';
import type { Database } from '../store/database.ts';
import type { Executor } from '../store/statement.ts';
import { lockViews } from '../store/statements/verify/lock-views.ts';
import { planByIndex } from '../store/statements/verify/plan-by-index.ts';
import { readCheckpoints } from '../store/statements/verify/read-checkpoints.ts';
import { readSnapshot } from '../store/statements/verify/read-snapshot.ts';

/** How far the live build of each read model has read, by name. */
export type Checkpoints = ReadonlyMap<string, bigint>;

/**
 * The checkpoints of live builds. A read model is absent while it is not built, or while its live
 * build is of another version than this process knows how to fold.
 */
export async function liveCheckpoints(executor: Executor): Promise<Checkpoints> {
  const rows = await executor.run(readCheckpoints, {});
  const isKnown = (row: { name: string; version: number }) =>
    projections.some(({ name, version }) => name === row.name && version === row.version);
  return new Map(rows.filter(isKnown).map(({ name, position }) => [name, position]));
}

/** A transaction that sees one moment, with the read models that can be compared in it. */
export interface Moment<Fold extends RowFold> {
  readonly tx: Executor;
  readonly models: readonly Fold[];
  readonly checkpoints: Checkpoints;
}

/** Runs `work` in one short transaction that sees one moment of all tables, and writes nothing. */
export async function atOneMoment<Fold extends RowFold, Result>(
  database: Database,
  models: readonly Fold[],
  work: (moment: Moment<Fold>) => Promise<Result>,
): Promise<Result> {
  const before = await liveCheckpoints(database);
  const built = models.filter(({ name }) => before.has(name));
  return database.transaction(async (tx) => {
    await tx.run(readSnapshot, {});
    if (built.length > 0) await tx.run(lockViews(built.map(({ table }) => table)), {});
    await tx.run(planByIndex, {});
    const checkpoints = await liveCheckpoints(tx);
    const present = built.filter(({ name }) => checkpoints.has(name));
    return work({ tx, models: present, checkpoints });
  });
}
