import type { JobCommand } from '../../domain/job/commands.ts';
import { DaybookError } from '../../kernel/errors.ts';
import type { Executor } from '../../store/statement.ts';
import { refuseCommit } from '../../store/statements/refuse-commit.ts';
import { type ChangeOutcome, changeJobs } from '../change/change-jobs.ts';
import { rejectOutcomes } from './reject-outcomes.ts';
import { type CommandOptions, executorFor, type WriteContext } from '../write-context.ts';

/** How a claim ends other than by completing. */
export type AttemptEnd = {
  readonly id: string;
  readonly command: Extract<JobCommand, { kind: 'fail' | 'snooze' | 'release' }>;
};

/**
 * Fails, snoozes or releases claims, each for itself. A lost lease is counted and kept to be looked
 * up, and in a caller's transaction it raises, so that it cannot commit; everything else is what
 * `decideJob` says.
 * @throws DaybookError `lease-lost` (with `client`)
 */
export async function endAttempts(
  context: WriteContext,
  ends: readonly AttemptEnd[],
  options: CommandOptions = {},
): Promise<ChangeOutcome[]> {
  const outcomes = await changeJobs(context, ends, options);
  const lost = outcomes.flatMap(({ rejection }, index) => {
    const end = ends[index];
    if (end === undefined || rejection === undefined) return [];
    if (rejection.code !== 'lease-lost' && rejection.code !== 'job-not-found') return [];
    return [{ id: end.id, leaseToken: end.command.leaseToken, verb: end.command.kind }];
  });
  for (const verb of new Set(lost.map((each) => each.verb))) {
    await rejectOutcomes(
      context,
      verb,
      lost.filter((each) => each.verb === verb),
    );
  }
  if (options.client !== undefined && lost.length > 0) {
    await refuse(executorFor(context, options));
  }
  return outcomes;
}

async function refuse(executor: Executor): Promise<never> {
  const message = 'The lease is lost: the transaction must be rolled back.';
  const cause: unknown = await executor.run(refuseCommit, {}).catch((error: unknown) => error);
  throw new DaybookError('lease-lost', message, { cause });
}
