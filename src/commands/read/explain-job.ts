import { type Because, explainJob as explain } from '../../domain/job/explain.ts';
import { type JobPhase, phaseOf } from '../../domain/job/state.ts';
import { DaybookError } from '../../kernel/errors.ts';
import { countAhead } from '../../store/statements/count-ahead.ts';
import { getQueue } from '../change/change-queue.ts';
import { listWorkerSessions } from '../work/worker-sessions.ts';
import type { WriteContext } from '../write-context.ts';
import { loadJobs } from './load-jobs.ts';

export interface Explanation {
  readonly id: string;
  readonly phase: JobPhase;
  /** Everything that holds the job where it is, the most telling first. */
  readonly because: readonly Because[];
}

/** Jobs before a waiting one are counted up to this many. */
const AHEAD_LIMIT = 1_000;

/** Why a job is where it is. @throws DaybookError `job-not-found` */
export async function explainJob(context: WriteContext, id: string): Promise<Explanation> {
  const { database, tenantId } = context;
  const job = (await loadJobs(database, tenantId, [id])).get(id.toLowerCase());
  if (job === undefined) throw new DaybookError('job-not-found', `There is no job "${id}".`);
  const { state, readAtMs } = job;
  const [queue, sessions, [counted]] = await Promise.all([
    getQueue(context, state.queue),
    listWorkerSessions(context),
    database.run(countAhead, { tenantId, jobId: state.id, limit: AHEAD_LIMIT }),
  ]);
  return {
    id: state.id,
    phase: phaseOf(state, readAtMs),
    because: explain(state, {
      nowMs: readAtMs,
      show: (ms) => new Date(ms).toISOString(),
      queuePaused: queue.paused,
      sessions: sessions.map((session) => ({ ...session, lastBeatAtMs: session.last_beat_at })),
      ahead: counted?.ahead ?? null,
      aheadLimit: AHEAD_LIMIT,
    }),
  };
}
