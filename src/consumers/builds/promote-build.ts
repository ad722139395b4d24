import type { Database } from '../../store/database.ts';
import { setLockTimeout } from '../../store/statements/set-lock-timeout.ts';
import { applyInTransaction, type BuildReader } from '../reading/apply-range.ts';
import { lockCheckpoints } from '../statements/lock-checkpoints.ts';
import { lockConsumer } from '../statements/lock-consumer.ts';
import { makeLive } from '../statements/make-live.ts';
import { inBuildTransaction } from './build-transaction.ts';
import { dropBuild } from './create-build.ts';
import { dropViews, setReadModelViews } from './read-model-views.ts';

/** How many positions the last step may bridge: as many as keep it short. */
export const stepOfPromotion = 5_000n;
/** Readers queue behind a lock that is waited for: rather try again. */
const LOCK_TIMEOUT_MS = 200;

/**
 * Puts a build in the place of the live one, in one transaction: it reads what is still between them,
 * the views turn to its tables, and the old ones go. Readers see one or the other, and never an older
 * position than before. False, with nothing done, while it is too far behind.
 * @throws the error of `LOCK_TIMEOUT_MS` where readers are in the way; to be tried again
 */
export function promoteBuild(database: Database, reader: BuildReader): Promise<boolean> {
  const { name, build } = reader;
  return inBuildTransaction(database, async (transaction) => {
    const { tx, client } = transaction;
    await tx.run(setLockTimeout, { timeout: `${LOCK_TIMEOUT_MS}ms` });
    await tx.run(lockConsumer, { name });
    const builds = await tx.run(lockCheckpoints, { name });
    const next = builds.find((each) => each.build === build && each.role === 'building');
    const live = builds.find((each) => each.role === 'live');
    if (next === undefined || next.halted !== null || live === undefined) return false;
    if (live.position - next.position > stepOfPromotion) return false;
    if (live.position > next.position) {
      const range = { after: next.position, upTo: live.position };
      await applyInTransaction({ tx, client }, reader, range, { replaying: true, busyMs: 0 });
    }
    await dropViews(transaction, live);
    await dropBuild(transaction, live);
    await tx.run(makeLive, { name, build });
    await setReadModelViews(transaction, next, undefined);
    return true;
  });
}
