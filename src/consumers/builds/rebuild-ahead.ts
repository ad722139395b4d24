import type { Database } from '../../store/database.ts';
import { readHead } from '../../store/statements/read-head.ts';
import type { Consumer } from '../consumer.ts';
import { aheadFailure } from '../lag.ts';
import { lockCheckpoints } from '../statements/lock-checkpoints.ts';
import { lockConsumer } from '../statements/lock-consumer.ts';
import { putBack } from '../statements/put-back.ts';
import { inBuildTransaction } from './build-transaction.ts';
import { createBuild, dropBuild } from './create-build.ts';
import { setReadModelViews } from './read-model-views.ts';

/**
 * Builds a read model anew whose checkpoint is ahead of the log: it has folded events that are no
 * longer there, as after a backup was restored in part. Until the new build is live, readers see the
 * old one, which stands still and says why. A rebuild that was under way begins again.
 * False, with nothing done, where it is not ahead, or this process has only an older version of it.
 */
export function rebuildAhead(
  database: Database,
  consumers: readonly Consumer[],
  name: string,
): Promise<boolean> {
  return inBuildTransaction(database, async (transaction) => {
    const { tx } = transaction;
    await tx.run(lockConsumer, { name });
    const builds = await tx.run(lockCheckpoints, { name });
    const live = builds.find(({ role }) => role === 'live');
    const [head] = await tx.run(readHead, {});
    if (live === undefined || head === undefined || live.position <= head.position) return false;
    const consumer = consumers.find((each) => each.name === name);
    if (consumer === undefined || consumer.version < live.version) return false;
    const building = builds.find(({ role }) => role === 'building');
    if (building !== undefined) await dropBuild(transaction, building);
    const next = Math.max(...builds.map(({ build }) => build)) + 1;
    const made = await createBuild(transaction, consumer, next, 'building');
    await setReadModelViews(transaction, live, made);
    const failure = aheadFailure(live.position, head.position);
    await tx.run(putBack, { name, build: live.build, position: head.position, failure });
    return true;
  });
}
