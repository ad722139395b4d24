import { DaybookError } from '../../kernel/errors.ts';
import { type BeatRow, beatSession } from '../../store/statements/beat-session.ts';
import { endSession } from '../../store/statements/end-session.ts';
import { holdsSuspect } from '../../store/statements/holds-suspect.ts';
import { listHeldClaims } from '../../store/statements/list-held-claims.ts';
import { listSessions, type SessionRow } from '../../store/statements/list-sessions.ts';
import { markStart } from '../../store/statements/mark-start.ts';
import { openSession, type OpenSessionParams } from '../../store/statements/open-session.ts';
import type { WriteContext } from '../write-context.ts';

/** A session to be, of a worker of whatever language. */
export type NewSession = Omit<OpenSessionParams, 'tenantId' | 'session'>;

/** Opens a worker session; answers its id. */
export async function openWorkerSession(
  context: WriteContext,
  session: NewSession,
): Promise<string> {
  const id = context.newId();
  await context.database.run(openSession, {
    ...session,
    tenantId: context.tenantId,
    session: id,
  });
  return id;
}

/**
 * One beat: the lease goes on, and wishes to cancel come back.
 * @throws DaybookError `worker-not-found` once the session has ended: its jobs are lost
 */
export async function beatWorkerSession(context: WriteContext, session: string): Promise<BeatRow> {
  const { tenantId } = context;
  const [beat] = await context.database.run(beatSession, { tenantId, session });
  if (beat !== undefined) return beat;
  throw new DaybookError('worker-not-found', `There is no live session ${session}.`);
}

/** Ends a session; false if it had ended. The caretaker takes back what it still holds. */
export async function endWorkerSession(context: WriteContext, session: string): Promise<boolean> {
  const { tenantId } = context;
  return (await context.database.run(endSession, { tenantId, session })).length > 0;
}

/** Sessions that live, newest first, 1,000 at most. */
export function listWorkerSessions(context: WriteContext): Promise<SessionRow[]> {
  return context.database.run(listSessions, { tenantId: context.tenantId });
}

/** Whether the session holds a suspect: no second one may run beside it in the same process. */
export async function hasSuspect(context: WriteContext, session: string): Promise<boolean> {
  const { tenantId } = context;
  return (await context.database.run(holdsSuspect, { tenantId, session })).length > 0;
}

/** What a session holds of a queue, by the database's account. */
export async function heldClaims(
  context: WriteContext,
  session: string,
  queue: string,
): Promise<{ id: string; leaseToken: string }[]> {
  const { tenantId, database, names } = context;
  const queueId = (await names.queueIds([queue])).get(queue);
  if (queueId === undefined) return [];
  const rows = await database.run(listHeldClaims, { tenantId, session, queueId });
  return rows.map((row) => ({ id: row.id, leaseToken: row.lease_token }));
}

/** Notes that a suspect's handler starts now; false when its lease is gone. */
export async function markSuspectStart(
  context: WriteContext,
  jobId: string,
  leaseToken: string,
): Promise<boolean> {
  const { tenantId } = context;
  return (await context.database.run(markStart, { tenantId, jobId, leaseToken })).length > 0;
}
