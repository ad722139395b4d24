import { DaybookError } from '../../kernel/errors.ts';
import { type Observer, silentObserver } from '../../kernel/observer.ts';
import type { Database } from '../database.ts';
import { makePartitions } from '../partitions.ts';
import { makeHead } from '../statements/make-head.ts';
import { type LogHead, readHead } from '../statements/read-head.ts';
import { identify, openNewEpoch, whyNewEpoch } from './new-epoch.ts';

/**
 * Makes the log ready to be written on this server: its head, partitions ahead of the head, and a new
 * epoch where the last one was opened on another server or timeline; `observer` is warned of that.
 * Idempotent, and safe in many processes at once.
 * @throws DaybookError `read-only` on a standby
 */
export async function prepareLog(
  database: Database,
  partitionSpan: number,
  observer: Observer = silentObserver,
): Promise<LogHead> {
  const server = await identify(database);
  if (server.in_recovery) {
    throw new DaybookError('read-only', 'This server is a standby: nothing can be written here.');
  }
  if (!server.has_head) {
    const { system_identifier: systemIdentifier, timeline } = server;
    await database.run(makeHead, { partitionSpan, systemIdentifier, timeline });
  }
  const head = await makePartitions(database);
  if (whyNewEpoch(server) === undefined) return head;
  await openNewEpoch(database, observer);
  return makePartitions(database);
}

/**
 * Makes sure that there is a log to be read, on a server that takes no writes.
 * @throws DaybookError `migration-needed`
 */
export async function mustBePrepared(database: Database): Promise<void> {
  const [head] = await database.run(readHead, {});
  if (head !== undefined) return;
  const message = 'The log was not made yet: open Daybook on the primary server first.';
  throw new DaybookError('migration-needed', message);
}
