import type { z } from 'zod';
import { type LoadedJob, loadJobsAt } from '../../commands/read/load-jobs.ts';
import { loadQueuesAt, type QueueAt } from '../../commands/read/load-queues-at.ts';
import type { Moment } from '../../commands/read/moment.ts';
import type { WriteContext } from '../../commands/write-context.ts';
import { DaybookError } from '../../kernel/errors.ts';
import { invariant } from '../../kernel/invariant.ts';
import { longestAt, type LongestRow } from '../../projections/job-spans/queries.ts';
import { readQueueCountersAt } from '../../projections/queue-counters/queries.ts';
import { asOfView, shownMs } from '../schemas/fields.ts';
import type { queueAtSchema, queuesAtSchema } from '../schemas/queue.ts';
import { countedView } from '../views/queue-view.ts';

/** Running jobs that are shown. */
const MOST_RUNNING = 100;

/** The queues that there were at a moment. The read models must have read up to it. */
export async function queuesAtView(
  context: WriteContext,
  moment: Moment,
): Promise<z.output<typeof queuesAtSchema>> {
  const { database, tenantId } = context;
  const queues = await loadQueuesAt(database, tenantId, null, moment.position);
  return { data: await depthViews(context, queues, moment), asOf: asOfView(moment) };
}

/** One queue at a moment. @throws DaybookError `queue-not-found` for one that did not exist then */
export async function queueAtView(
  context: WriteContext,
  name: string,
  moment: Moment,
): Promise<z.output<typeof queueAtSchema>> {
  const { database, tenantId } = context;
  const { position } = moment;
  const [queue] = await loadQueuesAt(database, tenantId, [name], position);
  if (queue === undefined) {
    throw new DaybookError('queue-not-found', `There was no queue "${name}" then.`);
  }
  const [view] = await depthViews(context, [queue], moment);
  invariant(view !== undefined, 'each queue has a view');
  const wanted = { position, queueIds: [queue.id], limit: MOST_RUNNING };
  const rows = await longestAt(database, 'running', wanted);
  const jobs = await jobsOf(context, rows, position);
  return { ...view, running: rows.map((row) => runningView(row, jobs)), asOf: asOfView(moment) };
}

type DepthView = z.output<typeof queuesAtSchema>['data'][number];

/** All that lists of queues show. */
async function depthViews(
  context: WriteContext,
  queues: readonly QueueAt[],
  { position }: Moment,
): Promise<DepthView[]> {
  const { database } = context;
  const queueIds = queues.map(({ id }) => id);
  const counters = await readQueueCountersAt(database, { position, queueIds });
  const oldest = await longestAt(database, 'waiting', { position, queueIds, limit: 1 });
  const jobs = await jobsOf(context, oldest, position);
  const oldestByQueue = new Map(oldest.map((row) => [row.queue_id, row]));
  return queues.map(({ id, name, paused, settings, createdAtMs }) => {
    const counted = counters.get(id);
    invariant(counted !== undefined, 'a queue that was asked for has counters');
    const row = oldestByQueue.get(id);
    return {
      name,
      paused,
      settings,
      createdAt: shownMs(createdAtMs),
      ...countedView(counted),
      oldestWaiting: row === undefined ? null : waitingView(row, jobs),
    };
  });
}

type Jobs = ReadonlyMap<string, LoadedJob>;

function jobsOf(
  { database, tenantId }: WriteContext,
  rows: readonly LongestRow[],
  position: bigint,
): Promise<Jobs> {
  const ids = rows.map((row) => row.job_id);
  return loadJobsAt(database, tenantId, ids, position);
}

function waitingView(row: LongestRow, jobs: Jobs): DepthView['oldestWaiting'] {
  const { state, sinceMs } = standing(row, jobs);
  return { id: state.id, since: shownMs(sinceMs), runAt: shownMs(state.runAtMs) };
}

function runningView(row: LongestRow, jobs: Jobs) {
  const { state, sinceMs } = standing(row, jobs);
  const { lease } = state;
  invariant(lease !== null, 'a job that runs has a lease');
  const { attempt, session } = lease;
  return { id: state.id, type: state.type, attempt, session, since: shownMs(sinceMs) };
}

/** A job, and when the event came that brought it where it stood. */
function standing(row: LongestRow, jobs: Jobs) {
  const job = jobs.get(row.job_id);
  const event = job?.events.find(({ position }) => position === row.since_position);
  invariant(job !== undefined && event !== undefined, 'the read model names events of the log');
  return { state: job.state, sinceMs: event.occurredAtMs };
}
