import type { JobCommand } from '../../domain/job/commands.ts';
import { type ChangeOutcome, changeJobs } from '../change/change-jobs.ts';
import { rejectOutcomes } from './reject-outcomes.ts';
import type { CommandOptions, WriteContext } from '../write-context.ts';

/** How a claim ends other than by completing. */
export type AttemptEnd = {
  readonly id: string;
  readonly command: Extract<JobCommand, { kind: 'fail' | 'snooze' | 'release' }>;
};

/**
 * Fails, snoozes or releases claims, each for itself. A lost lease is counted and kept to be looked
 * up; everything else is what `decideJob` says.
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
  return outcomes;
}
