import { DaybookError } from '../../kernel/errors.ts';
import type { Database } from '../../store/database.ts';
import type { Consumer } from '../consumer.ts';
import { listBuilds } from '../statements/list-builds.ts';
import { lockConsumer } from '../statements/lock-consumer.ts';
import { setHalted } from '../statements/set-halted.ts';
import type { Build } from './build.ts';
import { inBuildTransaction } from './build-transaction.ts';
import { createBuild, dropBuild } from './create-build.ts';
import { setReadModelViews } from './read-model-views.ts';

/**
 * Begins to build a consumer anew from the first position of the log, beside the live build. The
 * projector does the work, and puts the new build in the live one's place.
 * @throws DaybookError `consumer-not-found`, `rebuild-in-progress`
 */
export async function startRebuild(
  database: Database,
  consumers: readonly Consumer[],
  name: string,
): Promise<Build> {
  const consumer = consumers.find((each) => each.name === name);
  if (consumer === undefined) throw unknownConsumer(name);
  return inBuildTransaction(database, async (transaction) => {
    const { tx } = transaction;
    await tx.run(lockConsumer, { name });
    const builds = await tx.run(listBuilds, { name });
    const live = builds.find(({ role }) => role === 'live');
    if (live === undefined) throw unknownConsumer(name);
    if (builds.length > 1) {
      throw new DaybookError('rebuild-in-progress', `${name} is being built anew already.`);
    }
    const made = await createBuild(transaction, consumer, live.build + 1, 'building');
    await setReadModelViews(transaction, live, made);
    return made;
  });
}

/**
 * Pauses a build (or the live reading), or lets it go on; also after it has failed.
 * @throws DaybookError `consumer-not-found`
 */
export async function haltBuild(
  database: Database,
  name: string,
  role: 'live' | 'building',
  halted: 'paused' | null,
): Promise<void> {
  const rows = await database.run(setHalted, { name, role, halted });
  if (rows.length === 0) throw role === 'live' ? unknownConsumer(name) : noRebuild(name);
}

/** Ends a rebuild and throws away what it has made. @throws DaybookError `consumer-not-found` */
export function abortRebuild(database: Database, name: string): Promise<void> {
  return inBuildTransaction(database, async (transaction) => {
    const { tx } = transaction;
    await tx.run(lockConsumer, { name });
    const builds = await tx.run(listBuilds, { name });
    const building = builds.find(({ role }) => role === 'building');
    const live = builds.find(({ role }) => role === 'live');
    if (building === undefined || live === undefined) throw noRebuild(name);
    await setReadModelViews(transaction, live, undefined);
    await dropBuild(transaction, building);
  });
}

function unknownConsumer(name: string): DaybookError {
  return new DaybookError('consumer-not-found', `There is no consumer "${name}".`);
}

function noRebuild(name: string): DaybookError {
  return new DaybookError('consumer-not-found', `"${name}" is not being built anew.`);
}
