import { isUuid } from '../../kernel/uuid.ts';
import { codeOf, sqlState } from '../../store/sqlstate.ts';
import { DaybookError } from '../../kernel/errors.ts';
import { decideJob } from '../../domain/job/decide.ts';
import {
  completeJobs as completeStatement,
  completeUnlockedJobs,
  type CompletionRow,
} from '../../store/statements/complete-jobs.ts';
import { BodyWriter } from '../../store/parameters/body-page.ts';
import { loadJobs } from '../read/load-jobs.ts';
import { rejectOutcomes } from './reject-outcomes.ts';
import { writeBody } from '../submit/write-body.ts';
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
 * @returns one outcome per completion, in the order given
 * @throws DaybookError `lease-lost` (with `client`); `payload-too-large` or `payload-invalid` for a
 *   result, before anything is recorded; `concurrent-change` where a lease holds and others keep
 *   changing its job, or hold it in an open transaction: what could be recorded is then recorded, and
 *   trying again answers so
 */
export async function completeJobs(
  context: WriteContext,
  completions: readonly Completion[],
  options: CommandOptions = {},
): Promise<CompletionOutcome[]> {
  const rows = rowsOf(completions);
  const outcomes: (OutcomeCode | undefined)[] = rows.map(({ id, leaseToken }) =>
    isUuid(id) && isUuid(leaseToken) ? undefined : 'lease-lost',
  );
  for (let round = 1; ; round += 1) {
    // A job that stands twice in a batch has one outcome at a time: two deletes of one row in one
    // statement would be one, with two events.
    const open = firstOfEach(rows, outcomes);
    if (open.length === 0) break;
    const answer = await run(context, open, options);
    const recorded = new Set(answer.recorded);
    for (const { index, id } of open) if (recorded.has(id)) outcomes[index] = 'recorded';
    const rest = open.filter(({ index }) => outcomes[index] === undefined);
    await askTheLog(context, rest, outcomes, options);
    if (answer.leftLocked || round >= ROUNDS + completions.length) break;
  }
  const lost = completions.filter((_, index) => outcomes[index] === 'lease-lost');
  await rejectOutcomes(context, 'complete', lost);
  if (options.client === undefined) context.wakeUp.hint('inbox');
  return completions.map(({ id }, index) => {
    const outcome = outcomes[index];
    if (outcome !== undefined) return { id, outcome };
    throw new DaybookError(
      'concurrent-change',
      `Others changed or held the job ${id} each time it was to be completed.`,
      { facts: { jobId: id } },
    );
  });
}

interface OpenCompletion extends CompletionRow {
  readonly index: number;
}

function rowsOf(completions: readonly Completion[]): OpenCompletion[] {
  const results = new BodyWriter(completions.filter(({ result }) => result !== undefined).length);
  return completions.map((completion, index) => {
    const id = completion.id.toLowerCase();
    const leaseToken = completion.leaseToken.toLowerCase();
    if (completion.result === undefined) {
      return { index, id, leaseToken, result: null, resultHash: null, resultBytes: null };
    }
    const { body, hash, bytes } = writeBody(results, completion.result, `/${index}`, 'result');
    return { index, id, leaseToken, result: body, resultHash: hash, resultBytes: bytes };
  });
}

/** Those without an outcome, each job once. */
function firstOfEach(
  completions: readonly OpenCompletion[],
  outcomes: readonly (OutcomeCode | undefined)[],
): OpenCompletion[] {
  const seen = new Set<string>();
  return completions.filter(({ index, id }) => {
    if (outcomes[index] !== undefined || seen.has(id)) return false;
    seen.add(id);
    return true;
  });
}

/** What the log says to completions that found no row; those whose lease holds stay open. */
async function askTheLog(
  context: WriteContext,
  completions: readonly OpenCompletion[],
  outcomes: (OutcomeCode | undefined)[],
  options: CommandOptions,
): Promise<void> {
  if (completions.length === 0) return;
  const ids = completions.map(({ id }) => id);
  const loaded = await loadJobs(executorFor(context, options), context.tenantId, ids);
  for (const { id, index, leaseToken } of completions) {
    const { rejection } = decideJob(
      loaded.get(id)?.state ?? null,
      { kind: 'complete', leaseToken },
      { nowMs: 0, random: 0 },
    );
    if (rejection === undefined) continue;
    outcomes[index] = rejection.code === 'already-recorded' ? 'already-recorded' : 'lease-lost';
  }
}

interface Recorded {
  readonly recorded: readonly string[];
  /** Others hold some of the jobs in open transactions: what they hold was left out. */
  readonly leftLocked: boolean;
}

async function run(
  context: WriteContext,
  completions: readonly CompletionRow[],
  options: CommandOptions,
): Promise<Recorded> {
  const orRaise = options.client !== undefined;
  const executor = executorFor(context, options);
  const parameters = { tenantId: context.tenantId, completions, orRaise };
  try {
    const [row] = await executor.run(completeStatement, parameters);
    return { recorded: row?.recorded ?? [], leftLocked: false };
  } catch (error) {
    const code = codeOf(error);
    if (code === sqlState.lockNotAvailable && !orRaise) {
      const [row] = await executor.run(completeUnlockedJobs, parameters);
      return { recorded: row?.recorded ?? [], leftLocked: true };
    }
    if (code !== sqlState.leaseLost) throw error;
    await rejectOutcomes(context, 'complete', completions);
    throw new DaybookError(
      'lease-lost',
      'The lease is lost, or the outcome is recorded already: the transaction must be rolled back.',
      { cause: error },
    );
  }
}
