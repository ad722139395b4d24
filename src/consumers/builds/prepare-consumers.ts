import type { Observer } from '../../kernel/observer.ts';
import type { Database } from '../../store/database.ts';
import type { Consumer } from '../consumer.ts';
import { listBuilds } from '../statements/list-builds.ts';
import { lockConsumer } from '../statements/lock-consumer.ts';
import type { Build } from './build.ts';
import { inBuildTransaction } from './build-transaction.ts';
import { createBuild, dropBuild } from './create-build.ts';
import { setReadModelViews } from './read-model-views.ts';

/**
 * Makes the builds that consumers need: the first one of a new consumer, and one beside the live one
 * for a new version. Called after the migrations; idempotent, and safe in many processes at once.
 * A process whose code is older than the live build leaves it alone.
 */
export async function prepareConsumers(
  database: Database,
  consumers: readonly Consumer[],
  observer: Observer,
): Promise<void> {
  const all = await database.run(listBuilds, { name: null });
  for (const consumer of consumers) {
    const builds = all.filter(({ name }) => name === consumer.name);
    if (need(consumer, builds) !== 'nothing') await prepare(database, consumer);
    const live = builds.find(({ role }) => role === 'live');
    if (live !== undefined && live.version > consumer.version) {
      observer.warn('a newer version of a consumer is live; this process leaves it alone', {
        consumer: consumer.name,
        version: consumer.version,
        live: live.version,
      });
    }
  }
}

function need(consumer: Consumer, builds: readonly Build[]): 'first' | 'next' | 'nothing' {
  const live = builds.find(({ role }) => role === 'live');
  const building = builds.find(({ role }) => role === 'building');
  if (live === undefined) return 'first';
  if (live.version >= consumer.version) return 'nothing';
  return building !== undefined && building.version >= consumer.version ? 'nothing' : 'next';
}

async function prepare(database: Database, consumer: Consumer): Promise<void> {
  const { name } = consumer;
  await inBuildTransaction(database, async (transaction) => {
    const { tx } = transaction;
    await tx.run(lockConsumer, { name });
    const builds = await tx.run(listBuilds, { name });
    const needed = need(consumer, builds);
    if (needed === 'nothing') return;
    const live = builds.find(({ role }) => role === 'live');
    const older = builds.find(({ role }) => role === 'building');
    if (older !== undefined) await dropBuild(transaction, older);
    const next = Math.max(0, ...builds.map(({ build }) => build)) + 1;
    const made = await createBuild(transaction, consumer, next, live ? 'building' : 'live');
    await setReadModelViews(transaction, live ?? made, live ? made : undefined);
  });
}
