import { invariant } from '../../kernel/invariant.ts';
import type { Observer } from '../../kernel/observer.ts';
import type { Database } from '../database.ts';
import { makePartitions } from '../partitions.ts';
import { lockHead } from '../statements/lock-head.ts';
import { openEpoch } from '../statements/open-epoch.ts';
import { raiseSequences } from '../statements/raise-sequences.ts';
import { readServer, type ServerRow } from '../statements/read-server.ts';
import { resetSequencing } from '../statements/reset-sequencing.ts';
import { sequenceInbox } from '../statements/sequence-inbox.ts';
import { channelOf } from '../wake-up.ts';

/** An epoch that was opened just now. */
export interface OpenedEpoch {
  readonly epoch: number;
  /** The last position of the epoch before. */
  readonly afterPosition: bigint;
  readonly reason: string;
  /** Worker sessions that were ended; the caretaker takes their jobs back. */
  readonly sessionsEnded: number;
}

/** Inbox numbers per batch. */
const BATCH = 5_000;

/**
 * Why the log needs a new epoch on this server; undefined where it needs none. Another system
 * identifier: a dump was restored, or the data moved here by logical replication. Another timeline:
 * a standby was promoted, or the server recovered to a point in time; a tail may be lost.
 */
export function whyNewEpoch(server: ServerRow): string | undefined {
  if (server.known_identifier === null) return undefined;
  if (server.known_identifier !== server.system_identifier) {
    return `another server: ${server.known_identifier} before, ${server.system_identifier} now`;
  }
  if (server.known_timeline !== server.timeline) {
    return `another timeline of the server: ${server.known_timeline} before, ${server.timeline} now`;
  }
  return undefined;
}

/**
 * Opens a new epoch: because an operator says so, or because the server is another one. Safe in many
 * processes at once; of those that find another server, one opens the epoch and the others nothing.
 *
 * Whatever is in the inbox was written in the epoch before, and whoever wrote it was given a write
 * token of that epoch; so it is first moved to the log as part of that one. Those batches are
 * statements of their own: in one transaction they would share one transaction id, and a number that
 * is missing is kept with an id that must be above that of whoever drew it.
 * @param reason of the operator; left out: only if the server is another one
 */
export async function openNewEpoch(
  database: Database,
  observer: Observer,
  reason?: string,
): Promise<OpenedEpoch | undefined> {
  const lastSeq = await database.transaction(async (tx) => {
    await tx.run(lockHead, {});
    if ((reason ?? whyNewEpoch(await identify(tx))) === undefined) return undefined;
    await tx.run(raiseSequences, {});
    return (await tx.run(resetSequencing, {}))[0]?.last_seq;
  });
  if (lastSeq === undefined) return undefined;
  await moveUpTo(database, lastSeq);
  const opened = await database.transaction(async (tx): Promise<OpenedEpoch | undefined> => {
    await tx.run(lockHead, {});
    const server = await identify(tx);
    const why = reason ?? whyNewEpoch(server);
    if (why === undefined) return undefined;
    const { system_identifier: systemIdentifier, timeline } = server;
    const channel = channelOf(database.schema);
    const [row] = await tx.run(openEpoch, { systemIdentifier, timeline, reason: why, channel });
    invariant(row !== undefined, 'a log with a head gets its next epoch');
    const { epoch, after_position: afterPosition, sessions_ended: sessionsEnded } = row;
    return { epoch, afterPosition, reason: why, sessionsEnded };
  });
  if (opened !== undefined) {
    observer.warn('a new epoch of the log was opened', {
      ...opened,
      afterPosition: String(opened.afterPosition),
    });
  }
  return opened;
}

/** The server, and what is known of the one before. */
export async function identify(executor: Pick<Database, 'run'>): Promise<ServerRow> {
  const [server] = await executor.run(readServer, {});
  invariant(server !== undefined, 'a server can be identified');
  return server;
}

/** Moves the inbox to the log, up to a number. Sequencers that do the same at once do no harm. */
async function moveUpTo(database: Database, lastSeq: bigint): Promise<void> {
  for (;;) {
    const { tick, highest_seq: highest } = await makePartitions(database);
    if (highest >= lastSeq) return;
    const batch = { tick, limit: BATCH, channel: channelOf(database.schema) };
    const [row] = await database.run(sequenceInbox, batch);
    // With the tick still the same, nothing was there to be moved.
    if (row === undefined || (row.moved === 0 && row.tick === tick && !row.advanced)) return;
  }
}
