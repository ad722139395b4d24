import { isUuid } from '../../kernel/uuid.ts';
import { recordRejections } from '../../store/statements/record-rejections.ts';
import { isDaybookError } from '../../kernel/errors.ts';
import type { WriteContext } from '../write-context.ts';

/**
 * Counts outcomes whose lease was lost, and keeps them to be looked up. Written on the pool, so that
 * it stays when the caller's transaction does not.
 */
export async function rejectOutcomes(
  context: WriteContext,
  verb: string,
  lost: readonly { readonly id: string; readonly leaseToken: string }[],
): Promise<void> {
  if (lost.length === 0) return;
  for (const _ of lost) context.observer.outcomeRejected('lease-lost');
  // What is no id of any job is counted, and cannot be looked up.
  const known = lost.filter(({ id, leaseToken }) => isUuid(id.toLowerCase()) && isUuid(leaseToken));
  if (known.length === 0) return;
  const rejections = known.map(({ id, leaseToken }) => ({
    jobId: id,
    leaseToken,
    verb,
    code: 'lease-lost',
  }));
  await context.database.beside.run(recordRejections, { rejections }).catch((error: unknown) => {
    // That the lease is lost is what the caller has to hear.
    if (!isDaybookError(error, 'pool-exhausted')) throw error;
    context.observer.warn('rejected outcomes could not be kept to be looked up', { error });
  });
}
