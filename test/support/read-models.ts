import type { PositionRange } from '../../src/consumers/consumer.ts';
import { prepareConsumers } from '../../src/consumers/builds/prepare-consumers.ts';
import { applyRange } from '../../src/consumers/reading/apply-range.ts';
import { createReadModelReader } from '../../src/consumers/reading/read-model-reader.ts';
import { listBuilds } from '../../src/consumers/statements/list-builds.ts';
import { silentObserver } from '../../src/kernel/observer.ts';
import { projections } from '../../src/projections/registry.ts';
import type { Consumer } from '../../src/consumers/consumer.ts';
import type { Database } from '../../src/store/database.ts';

/** Makes the tables of read models, where no Daybook was opened that would. */
export function prepareReadModels(
  database: Database,
  consumers: readonly Consumer[] = projections,
): Promise<void> {
  return prepareConsumers(database, consumers, silentObserver);
}

/** Lets the live build of a read model apply a range; false if its checkpoint stands elsewhere. */
export async function applyLive(
  database: Database,
  name: string,
  range: PositionRange,
): Promise<boolean> {
  const builds = await database.run(listBuilds, { name });
  const live = builds.find(({ role }) => role === 'live');
  if (live === undefined) throw new Error(`There is no read model ${name}.`);
  return applyRange(database, createReadModelReader(live), range);
}
