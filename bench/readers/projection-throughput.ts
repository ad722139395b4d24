import { prepareConsumers } from '../../src/consumers/builds/prepare-consumers.ts';
import { applyRange } from '../../src/consumers/reading/apply-range.ts';
import { createReadModelReader } from '../../src/consumers/reading/read-model-reader.ts';
import { listBuilds } from '../../src/consumers/statements/list-builds.ts';
import { silentObserver } from '../../src/kernel/observer.ts';
import { projections } from '../../src/projections/registry.ts';
import type { Database } from '../../src/store/database.ts';

const BATCH = 20_000n;

/**
 * How fast each read model reads a log that is there: a second build of it, made without a pause in
 * batches of 20,000, and thrown away.
 * @returns events per second, by read model
 */
export async function projectionThroughput(
  database: Database,
  head: bigint,
): Promise<ReadonlyMap<string, number>> {
  const rates = new Map<string, number>();
  // Versions that nobody has, so that builds of their own are made; nothing reads for them.
  const next = projections.map((each) => ({ ...each, version: each.version + 1_000 }));
  await prepareConsumers(database, next, silentObserver);
  const builds = await database.run(listBuilds, { name: null });
  for (const build of builds.filter(({ version }) => version > 1_000)) {
    const reader = createReadModelReader(build);
    const began = performance.now();
    for (let after = 0n; after < head; after += BATCH) {
      const upTo = after + BATCH < head ? after + BATCH : head;
      await applyRange(database, reader, { after, upTo });
    }
    rates.set(build.name, (Number(head) / (performance.now() - began)) * 1_000);
  }
  return rates;
}
