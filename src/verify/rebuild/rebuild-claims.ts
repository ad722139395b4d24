import { DaybookError } from '../../kernel/errors.ts';
import type { Database } from '../../store/database.ts';
import { codeOf, sqlState } from '../../store/sqlstate.ts';
import type { Executor } from '../../store/statement.ts';
import { lockClaimTables } from '../../store/statements/rebuild/lock-claim-tables.ts';
import { giveUniqueKey } from '../../store/statements/rebuild/replace-job-rows.ts';
import { watchSessions } from '../../store/statements/rebuild/watch-sessions.ts';
import { setLockTimeout } from '../../store/statements/set-lock-timeout.ts';
import { planByIndex } from '../../store/statements/verify/plan-by-index.ts';
import { withMissingTables } from './missing-tables.ts';
import { createNameDirectory } from '../name-directory.ts';
import { createRowWriter } from './row-writer.ts';
import { firstId, lastId, streamPages } from '../stream-pages.ts';

export interface RebuildClaimsOptions {
  /** How long to wait for transactions that have written to the tables, in ms; default 10,000. */
  readonly lockTimeoutMs?: number;
  /** Told now and then how many events have been read. */
  readonly onProgress?: (events: number) => void;
}

export interface RebuiltClaims {
  readonly events: number;
  readonly claims: number;
  readonly dead: number;
  /** Streams that cannot be folded; their rows were left as they are. `verify` says what is wrong. */
  readonly unreadable: readonly string[];
  /**
   * Live jobs that share a unique key with another one, which holds it now: while the table was gone,
   * nothing kept the second one out. They run as jobs without the key.
   */
  readonly keyless: readonly { readonly id: string; readonly key: string }[];
}

/** Events per statement. */
const PAGE = 2_000;
/** Rows per statement. */
const ROWS = 1_000;

/**
 * Makes job_claims and dead_jobs anew from the log and the inbox alone, in one transaction that keeps
 * writers out and lets readers go on: submitting, claiming and completing wait for it. Leases survive,
 * and so a worker that still runs a job completes it as if nothing had happened. What is lost is
 * `start_marked`: a suspect that runs meanwhile may crash once more before it counts.
 * A table that is not there is made.
 * @throws DaybookError `claims-busy`, `database-unavailable`, `migration-needed`
 */
export async function rebuildClaims(
  database: Database,
  options: RebuildClaimsOptions = {},
): Promise<RebuiltClaims> {
  const { lockTimeoutMs = 10_000 } = options;
  try {
    return await withMissingTables(database.patient, (tx) => rebuildClaimsIn(tx, options));
  } catch (error) {
    if (codeOf(error) !== sqlState.lockNotAvailable) throw error;
    throw new DaybookError(
      'claims-busy',
      `Other transactions have held jobs for ${lockTimeoutMs} ms; nothing was changed.`,
      { cause: error },
    );
  }
}

/** The same in a transaction of the caller's; a lock that cannot be had is an error of Postgres. */
export async function rebuildClaimsIn(
  tx: Executor,
  { lockTimeoutMs = 10_000, onProgress }: RebuildClaimsOptions = {},
): Promise<RebuiltClaims> {
  await tx.run(setLockTimeout, { timeout: `${lockTimeoutMs}ms` });
  await tx.run(lockClaimTables, {});
  await tx.run(planByIndex, {});
  const directory = createNameDirectory();
  const writer = createRowWriter(tx, directory, ROWS);
  let events = 0;
  const range = { after: firstId, upTo: lastId };
  const pages = { size: PAGE, ahead: false };
  for await (const page of streamPages(tx, directory, range, pages)) {
    for (const each of page) writer.add(each);
    await writer.flush(false);
    events += page.length;
    onProgress?.(events);
  }
  await writer.flush(true);
  const keyless: { id: string; key: string }[] = [];
  for (const wanted of writer.keyless) {
    const given = await tx.run(giveUniqueKey, wanted);
    if (given.length === 0) keyless.push(wanted);
  }
  await tx.run(watchSessions, {});
  const { claims, dead, unreadable } = writer;
  return { events, claims, dead, unreadable, keyless };
}
