import { sha256 } from '../../kernel/ids.ts';
import { codeOf, sqlState } from '../../store/sqlstate.ts';
import { DaybookError } from '../../kernel/errors.ts';
import { decideJob } from '../../domain/job/decide.ts';
import { completeJobs as completeStatement } from '../../store/statements/complete-jobs.ts';
import { loadJobs } from '../read/load-jobs.ts';
import { rejectOutcomes } from './reject-outcomes.ts';
import { payloadText } from '../submit/prepare-job.ts';
import { type CommandOptions, executorFor, type WriteContext } from '../write-context.ts';

export interface Completion {
  readonly id: string;
  readonly leaseToken: string;
  /** Anything JSON can carry; undefined for none. */
  readonly result?: unknown;
}

export type OutcomeCode = 'recorded' | 'already-recorded' | 'lease-lost';

export interface CompletionOutcome {
  readonly id: string;
  readonly outcome: OutcomeCode;
}

/** Rounds in which a live lease may be missed because the row was changed at the same moment. */
const ROUNDS = 5;

/**
 * Completes claims, each for itself: recorded, recorded already (a repeated try), or the lease is
 * lost. In a caller's transaction anything but `recorded` raises, so that it cannot commit.
 * @throws DaybookError `lease-lost` (with `client`), `payload-too-large` for a result
 */
export async function completeJobs(
  context: WriteContext,
  completions: readonly Completion[],
  options: CommandOptions = {},
): Promise<CompletionOutcome[]> {
  const outcomes = new Map<string, OutcomeCode>();
  let open = completions;
  for (let round = 1; open.length > 0 && round <= ROUNDS; round += 1) {
    for (const id of await run(context, open, options)) outcomes.set(id, 'recorded');
    open = open.filter(({ id }) => !outcomes.has(id));
    if (open.length === 0) break;
    const loaded = await loadJobs(
      executorFor(context, options),
      context.tenantId,
      open.map(({ id }) => id),
    );
    for (const { id, leaseToken } of open) {
      const { rejection } = decideJob(
        loaded.get(id)?.state ?? null,
        { kind: 'complete', leaseToken },
        { nowMs: 0, random: 0 },
      );
      if (rejection !== undefined) outcomes.set(id, outcomeOf(rejection.code));
    }
    open = open.filter(({ id }) => !outcomes.has(id));
  }
  for (const { id } of open) outcomes.set(id, 'lease-lost');
  const lost = completions.filter(({ id }) => outcomes.get(id) === 'lease-lost');
  await rejectOutcomes(context, 'complete', lost);
  if (options.client === undefined) context.wakeUp.hint('inbox');
  return completions.map(({ id }) => ({ id, outcome: outcomes.get(id) ?? 'lease-lost' }));
}

function outcomeOf(code: string): OutcomeCode {
  return code === 'already-recorded' ? 'already-recorded' : 'lease-lost';
}

async function run(
  context: WriteContext,
  completions: readonly Completion[],
  options: CommandOptions,
): Promise<readonly string[]> {
  const rows = completions.map(({ id, leaseToken, result }) => {
    if (result === undefined) {
      return { id, leaseToken, result: null, resultHash: null, resultBytes: null };
    }
    const text = payloadText(result);
    const resultBytes = Buffer.byteLength(text);
    return { id, leaseToken, result: text, resultHash: sha256(text), resultBytes };
  });
  const orRaise = options.client !== undefined;
  try {
    const parameters = { completions: rows, orRaise };
    const [row] = await executorFor(context, options).run(completeStatement, parameters);
    return row?.recorded ?? [];
  } catch (error) {
    if (codeOf(error) !== sqlState.leaseLost) throw error;
    await rejectOutcomes(context, 'complete', completions);
    throw new DaybookError(
      'lease-lost',
      'The lease is lost, or the outcome is recorded already: the transaction must be rolled back.',
      { cause: error },
    );
  }
}
