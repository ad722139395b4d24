import { DaybookError } from '../../kernel/errors.ts';
import { sha256 } from '../../kernel/ids.ts';
import { codeOf, sqlState } from '../../store/sqlstate.ts';
import type { Executor } from '../../store/statement.ts';
import { claimKeys } from '../../store/statements/claim-keys.ts';
import { readKeys } from '../../store/statements/read-keys.ts';
import { readUniqueHolders } from '../../store/statements/read-unique-holders.ts';
import { submitJobs, type SubmittedJobRow } from '../../store/statements/submit-jobs.ts';
import {
  announce,
  type PreparedJob,
  type SubmittedJob,
  submitted,
  submittedBefore,
} from './prepare-job.ts';
import { withLockTimeout } from '../with-lock-timeout.ts';
import { type CommandOptions, executorFor, type WriteContext } from '../write-context.ts';

const TRIES = 3;

/** A key that another submission holds; the transaction must not be kept. */
class KeyHeld extends Error {}

/**
 * Submits jobs with keys, all or none. In a transaction (or a savepoint of the caller's): the keys,
 * then the jobs; where a key is held nothing is kept and the holder is read by a statement of its
 * own, because the loser of ON CONFLICT cannot see the winner in its own.
 */
export async function submitKeyed(
  context: WriteContext,
  prepared: readonly PreparedJob[],
  rows: readonly SubmittedJobRow[],
  options: CommandOptions,
): Promise<SubmittedJob[]> {
  const groups = keyGroups(prepared, options);
  refuseTwins(prepared, options.idempotencyKey);
  for (let tries = 1; ; tries += 1) {
    try {
      const occurredAtMs = await withLockTimeout(context, options, (tx) =>
        takeKeysAndSubmit(context, tx, groups, rows),
      );
      announce(context, prepared, rows, options);
      return submitted(context, prepared, occurredAtMs, options);
    } catch (error) {
      // Keys taken crosswise by two callers' transactions may also end as a deadlock.
      const code = codeOf(error);
      if (code === sqlState.lockNotAvailable || code === sqlState.deadlockDetected) {
        throw new DaybookError('key-busy', 'Another submission with this key is still running.', {
          cause: error,
        });
      }
      if (!(error instanceof KeyHeld)) throw error;
      const winners = await readWinners(context, prepared, groups, options);
      if (winners !== null) return winners;
      // The holder ended between the two statements: the key is free again.
      if (tries === TRIES) {
        throw new DaybookError('key-busy', 'The key is taken and freed again and again.');
      }
    }
  }
}

async function takeKeysAndSubmit(
  context: WriteContext,
  tx: Executor,
  groups: readonly KeyGroup[],
  rows: readonly SubmittedJobRow[],
): Promise<number> {
  const { tenantId, idempotencyTtlMs: ttlMs } = context;
  if (groups.length > 0) {
    const taken = await tx.run(claimKeys, { tenantId, keys: groups, ttlMs });
    if (taken.length < groups.length) throw new KeyHeld();
  }
  const [row] = await tx.run(submitJobs, { tenantId, jobs: rows });
  const occurredAtMs = row?.born === rows.length ? row.occurred_at : null;
  if (occurredAtMs === null) throw new KeyHeld();
  return occurredAtMs;
}

/**
 * The jobs that earlier submissions with these keys made; null when nobody holds them any more.
 * @throws DaybookError `idempotency-key-reused` or `unique-key-held`
 */
async function readWinners(
  context: WriteContext,
  prepared: readonly PreparedJob[],
  groups: readonly KeyGroup[],
  options: CommandOptions,
): Promise<SubmittedJob[] | null> {
  const executor = executorFor(context, options);
  const { tenantId } = context;
  const held = await executor.run(readKeys, { tenantId, keys: groups.map(({ key }) => key) });
  if (held.length > 0) return replayed(context, prepared, groups, held);
  const uniqueKeys = prepared.flatMap(({ data }) => data.uniqueKey ?? []);
  const [holder] = await executor.run(readUniqueHolders, { tenantId, keys: uniqueKeys });
  if (holder === undefined) return null;
  throw new DaybookError(
    'unique-key-held',
    `The job ${holder.id} holds the unique key "${holder.unique_key}".`,
    { facts: { jobId: holder.id, uniqueKey: holder.unique_key } },
  );
}

function replayed(
  context: WriteContext,
  prepared: readonly PreparedJob[],
  groups: readonly KeyGroup[],
  held: readonly { key: string; fingerprint: string; job_ids: string[] }[],
): SubmittedJob[] {
  const winners = new Map<string, string>();
  for (const group of groups) {
    const holder = held.find(({ key }) => key === group.key);
    if (holder === undefined) continue;
    if (holder.fingerprint !== group.fingerprint) {
      throw new DaybookError(
        'idempotency-key-reused',
        `The idempotency key "${group.key}" was used with another body.`,
      );
    }
    for (const [index, id] of group.jobIds.entries()) winners.set(id, holder.job_ids[index] ?? id);
  }
  return prepared.map(({ id }) => {
    const winner = winners.get(id);
    if (winner !== undefined) return submittedBefore(context, winner);
    throw new DaybookError(
      'idempotency-key-reused',
      'Some of these idempotency keys were used before, and some were not.',
    );
  });
}

/** A key and the jobs it stands for: one job, or the whole batch. */
interface KeyGroup {
  readonly key: string;
  /** Hash of what must be the same when the submission is repeated: all but the new ids. */
  readonly fingerprint: string;
  readonly jobIds: readonly string[];
}

function keyGroups(prepared: readonly PreparedJob[], options: CommandOptions): KeyGroup[] {
  const contentOf = ({ queue, data, correlation }: PreparedJob) => [queue, data, correlation];
  const groups = prepared.flatMap((job): KeyGroup[] => {
    if (job.idempotencyKey === null) return [];
    const fingerprint = sha256(JSON.stringify([contentOf(job)]));
    return [{ key: job.idempotencyKey, fingerprint, jobIds: [job.id] }];
  });
  if (options.idempotencyKey !== undefined) {
    groups.push({
      key: options.idempotencyKey,
      fingerprint: sha256(JSON.stringify(prepared.map(contentOf))),
      jobIds: prepared.map(({ id }) => id),
    });
  }
  return groups;
}

/** Two jobs of one batch with the same key could never both be kept. */
function refuseTwins(prepared: readonly PreparedJob[], batchKey: string | undefined): void {
  const seen = new Set(batchKey === undefined ? [] : [`idempotencyKey ${batchKey}`]);
  for (const [index, { idempotencyKey, data }] of prepared.entries()) {
    for (const [name, key] of [
      ['idempotencyKey', idempotencyKey],
      ['uniqueKey', data.uniqueKey],
    ] as const) {
      if (key === null || key === undefined) continue;
      const twin = `${name} ${key}`;
      if (seen.has(twin)) {
        throw new DaybookError(
          'invalid-request',
          `The ${name} "${key}" stands twice in the batch.`,
          {
            fields: [{ pointer: `/${index}/${name}`, message: 'stands twice in the batch' }],
          },
        );
      }
      seen.add(twin);
    }
  }
}
