import { endAttempts } from '../../commands/work/end-attempts.ts';
import { heldClaims } from '../../commands/work/worker-sessions.ts';
import type { WriteContext } from '../../commands/write-context.ts';

/**
 * Gives back what a session holds of a queue and its process does not know of. A claim that committed
 * while its answer was lost with the connection is such a one: the session lives and beats, so its
 * lease never lapses, and nobody would ever run the job.
 * @param known the lease tokens of the claims that this process knows of
 */
export async function releaseUnknownClaims(
  context: WriteContext,
  session: string,
  queue: string,
  known: ReadonlySet<string>,
): Promise<void> {
  const held = await heldClaims(context, session, queue);
  const unknown = held.filter(({ leaseToken }) => !known.has(leaseToken));
  if (unknown.length === 0) return;
  context.observer.warn('claims whose answer was lost are given back', {
    queue,
    jobs: unknown.length,
  });
  await endAttempts(
    context,
    unknown.map(({ id, leaseToken }) => ({ id, command: { kind: 'release', leaseToken } })),
  );
}
