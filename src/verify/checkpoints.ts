import { projections } from '../projections/registry.ts';
import type { Executor } from '../store/statement.ts';
import { readCheckpoints } from '../store/statements/verify/read-checkpoints.ts';

/** How far each read model has read, by name; absent where it is not built. */
export async function liveCheckpoints(executor: Executor): Promise<ReadonlyMap<string, bigint>> {
  const rows = await executor.run(readCheckpoints, {});
  const isLive = (row: { name: string; version: number }) =>
    projections.some(({ name, version }) => name === row.name && version === row.version);
  return new Map(rows.filter(isLive).map(({ name, position }) => [name, position]));
}
