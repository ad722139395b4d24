import { prepareConsumers } from '../consumers/builds/prepare-consumers.ts';
import { applyRange } from '../consumers/reading/apply-range.ts';
import { createReadModelReader } from '../consumers/reading/read-model-reader.ts';
import { listLags } from '../consumers/lag.ts';
import { listBuilds } from '../consumers/statements/list-builds.ts';
import { silentObserver } from '../kernel/observer.ts';
import { projections } from '../projections/registry.ts';
import type { Database } from '../store/database.ts';

/** Positions per transaction. */
const STEP = 5_000n;

/**
 * Brings Daybook's own read models to the end of the log, without a projector: for a database on which
 * nothing runs yet. One that runs beside does no harm.
 * @param onProgress told how far one of them is
 */
export async function buildReadModels(
  database: Database,
  onProgress: (name: string, position: bigint, head: bigint) => void,
): Promise<void> {
  const { patient } = database;
  await prepareConsumers(patient, projections, silentObserver);
  for (const { name } of projections) {
    const builds = await patient.run(listBuilds, { name });
    const live = builds.find(({ role }) => role === 'live');
    if (live === undefined) throw new Error(`The read model ${name} was just made.`);
    const reader = createReadModelReader(live);
    for (;;) {
      const lags = await listLags(patient);
      const lag = lags.find((each) => each.name === name && each.role === 'live');
      if (lag === undefined || lag.position >= lag.head) break;
      const { position: after, head } = lag;
      const upTo = after + STEP < head ? after + STEP : head;
      await applyRange(patient, reader, { after, upTo }, { replaying: true, busyMs: 0 });
      onProgress(name, upTo, head);
    }
  }
}
