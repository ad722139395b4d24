import { DaybookError } from '../kernel/errors.ts';
import type { Database } from '../store/database.ts';
import { identify } from '../store/epoch/new-epoch.ts';
import { codeOf, sqlState } from '../store/sqlstate.ts';
import type { Executor } from '../store/statement.ts';
import {
  claimEmptyLog,
  dropEmptyHead,
  type LogContents,
  readLogContents,
} from '../store/statements/transfer/claim-empty-log.ts';
import { restoreEpochs, restoreHead } from '../store/statements/transfer/restore-head.ts';
import { rebuildClaimsIn, type RebuiltClaims } from '../verify/rebuild/rebuild-claims.ts';
import { createEventWriter, type EventWriter } from './event-writer.ts';
import type { LogSource, SourcedEpoch, SourcedEvent, SourceEnd } from './log-source.ts';
import { readSource } from './read-source.ts';

/**
 * `restore` puts a whole log back as it was: positions, times, epochs. `import` begins a new log with
 * the streams of a source, which may be a part of another log: positions and epoch are given anew.
 */
export type RestoreMode = 'restore' | 'import';

export interface RestoreOptions {
  readonly mode: RestoreMode;
  /** Positions per partition, where the log was not made yet. */
  readonly partitionSpan: number;
  /** Told now and then how many events were read. */
  readonly onProgress?: (events: number) => void;
}

/** What a restore came to. */
export interface RestoredLog {
  readonly events: number;
  readonly position: bigint;
  /** The epoch that was opened at the end. */
  readonly epoch: number;
  /** Null where all of it was there already, from a restore that was ended before it had proved it. */
  readonly claims: RebuiltClaims | null;
}

/** A source may be slow, and nobody waits for what the transaction holds. */
const IDLE_MS = 3_600_000;

/**
 * Puts the log of a source into a database that holds none, with claims, queues and bodies, in one
 * transaction: whatever ends it, nothing of it is kept. Read models follow from the log as always.
 * Leases are taken back by the caretaker: the sessions that had them are not there.
 * @throws DaybookError `database-not-empty`, `restore-busy`, `source-refused`
 */
export async function restoreLog(
  database: Database,
  source: LogSource,
  options: RestoreOptions,
): Promise<RestoredLog> {
  return database.patient.transaction(async (tx) => {
    const contents = await claim(tx);
    const isEmpty = contents.filled === null && (contents.position ?? 0n) === 0n;
    if (!isEmpty) return mustBeThis(tx, contents, source, options);
    await tx.run(dropEmptyHead, {});
    const writer = createEventWriter(contents.span ?? BigInt(options.partitionSpan));
    const map = options.mode === 'import' ? renumbered() : (each: SourcedEvent) => each;
    await readSource(source, readingIn(tx, options), (events) => writer.write(tx, events.map(map)));
    const end = source.end();
    await writer.end(tx);
    const reason = reasonOf(source, end, options.mode);
    const epoch = await openEpochs(tx, contents, writer, end, options, reason);
    const claims = await rebuildClaimsIn(tx);
    const [unreadable] = claims.unreadable;
    if (unreadable !== undefined) {
      const message = `${claims.unreadable.length} streams are not whole, the first one ${unreadable}. Nothing was restored.`;
      throw new DaybookError('source-refused', message);
    }
    return { events: writer.events, position: writer.position, epoch, claims };
  }, IDLE_MS);
}

function readingIn(tx: Executor, { mode, onProgress }: RestoreOptions) {
  return { tx, isWhole: mode === 'restore', onProgress };
}

async function claim(tx: Executor): Promise<LogContents> {
  try {
    await tx.run(claimEmptyLog, {});
  } catch (error) {
    if (codeOf(error) !== sqlState.lockNotAvailable) throw error;
    const message = 'Another restore is running here, or a process of Daybook is at work.';
    throw new DaybookError('restore-busy', message, { cause: error });
  }
  const [contents] = await tx.run(readLogContents, {});
  if (contents === undefined) throw new Error('A row of what is there is always answered.');
  return contents;
}

/** Events of an import stand from 1 on, all in one epoch, which is above every epoch that they had. */
function renumbered(): (sourced: SourcedEvent) => SourcedEvent {
  let position = 0n;
  return (sourced) => {
    position += 1n;
    return { ...sourced, event: { ...sourced.event, position, epoch: 1 } };
  };
}

async function openEpochs(
  tx: Executor,
  { tick, span }: LogContents,
  { position }: EventWriter,
  end: SourceEnd,
  { mode, partitionSpan }: RestoreOptions,
  reason: string,
): Promise<number> {
  const { system_identifier: systemIdentifier, timeline } = await identify(tx);
  const here = { system_identifier: systemIdentifier, timeline };
  const before =
    mode === 'restore'
      ? end.epochs.map(epochRow)
      : [{ ...here, epoch: 1, opened_at: null, after_position: '0', reason }];
  await tx.run(restoreEpochs, { epochs: before });
  const epoch = Math.max(1, ...end.epochs.map((each) => each.epoch)) + 1;
  await tx.run(restoreHead, {
    epoch,
    position,
    reason,
    tick: (tick ?? 0n) + 1n,
    span: span ?? BigInt(partitionSpan),
    systemIdentifier,
    timeline,
  });
  return epoch;
}

function epochRow(epoch: SourcedEpoch) {
  return {
    epoch: epoch.epoch,
    opened_at: new Date(epoch.openedAtMs).toISOString(),
    system_identifier: epoch.systemIdentifier,
    timeline: epoch.timeline,
    after_position: String(epoch.afterPosition),
    reason: epoch.reason,
  };
}

function reasonOf(source: LogSource, { events, sum }: SourceEnd, mode: RestoreMode): string {
  const verb = mode === 'restore' ? 'restored' : 'imported';
  return `${verb} from ${source.name}${signature(events, sum)}`;
}

/** By this a restore that is started again knows its own. */
function signature(events: number, sum: string): string {
  return `: ${events} events, sum ${sum}`;
}

/**
 * What is there may be what this source gave: a restore that was ended while it made read models or
 * proved them has kept the log. Then there is nothing to write, and the rest can go on.
 */
async function mustBeThis(
  tx: Executor,
  contents: LogContents,
  source: LogSource,
  options: RestoreOptions,
): Promise<RestoredLog> {
  const { filled, position, after_position: after, reason, epoch } = contents;
  const isUntouched = after === position && filled?.includes('event_inbox') !== true;
  if (isUntouched && /^(restored|imported) from /.test(reason ?? '')) {
    await readSource(source, readingIn(tx, options), () => Promise.resolve());
    const { events, sum } = source.end();
    if (reason?.endsWith(signature(events, sum)) === true) {
      return { events, position: position ?? 0n, epoch: epoch ?? 0, claims: null };
    }
  }
  const message = `There is something in this database already (${(filled ?? ['log_head']).join(', ')}). Nothing was changed.`;
  throw new DaybookError('database-not-empty', message);
}
