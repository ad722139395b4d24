import { explainJob } from '../../../commands/read/explain-job.ts';
import { jobSteps } from '../../../commands/read/job-steps.ts';
import { replayJobs } from '../../../commands/submit/replay-jobs.ts';
import type { z } from 'zod';
import type { Api } from '../../dependencies.ts';
import { type ApiServer, operation, writeHeaders } from '../../operation.ts';
import { callerOf } from '../../requests/caller.ts';
import { cursorOf, pageTokenOf } from '../../requests/page-token.ts';
import { keyField } from '../../schemas/fields.ts';
import { explanationSchema, replayBody, replaySchema, stepsSchema } from '../../schemas/history.ts';
import { eventView } from '../../views/event-view.ts';
import { jobView } from '../../views/job-view.ts';
import { jobPath, mustLoad } from '../job.ts';
import { readPage } from '../jobs.ts';

const tags = ['jobs'] as const;
const steps = operation(
  {
    operationId: 'getJobSteps',
    summary: 'Step through the history of a job, state by state',
    tags,
    params: jobPath,
    response: { 200: stepsSchema },
  },
  [404],
);
const explain = operation(
  {
    operationId: 'explainJob',
    summary: 'Say why a job is where it is',
    tags,
    params: jobPath,
    response: { 200: explanationSchema },
  },
  [404],
);
const replay = operation(
  {
    operationId: 'replayJobs',
    summary: 'Run jobs of a past window or filter again, as new jobs',
    description:
      'The jobs are found in a read model, a moment behind. A dry run unless `dryRun` is false. With an idempotency key, name `submittedBefore`, so that the same request finds the same jobs again. Each new job names the old one as `replayOf` and belongs to its chain of work.',
    tags,
    headers: writeHeaders.extend({
      'idempotency-key': keyField(
        'Repeated with the same body, answers the first jobs.',
      ).optional(),
    }),
    body: replayBody,
    response: { 200: replaySchema },
  },
  [404, 409, 422],
);

/** What people ask about one job, and running jobs again. */
export function jobHistoryRoutes(app: ApiServer, api: Api): void {
  const { context } = api;
  app.route({
    method: 'GET',
    url: '/v1/jobs/:id/steps',
    schema: steps,
    handler: async (request) => {
      const { events } = await mustLoad(api, request.params.id);
      return {
        data: jobSteps(events).map(({ event, state, phase }) => ({
          event: eventView(event),
          job: jobView(state, phase),
        })),
      };
    },
  });
  app.route({
    method: 'GET',
    url: '/v1/jobs/:id/explain',
    schema: explain,
    handler: async (request) => {
      const { id, phase, because } = await explainJob(context, request.params.id);
      return { id, state: phase, because: [...because] };
    },
  });
  app.route({
    method: 'POST',
    url: '/v1/jobs/replay',
    schema: replay,
    handler: async (request) => {
      const key = request.headers['idempotency-key'];
      const options = {
        ...callerOf(request),
        ...(key === undefined ? {} : { idempotencyKey: key }),
      };
      return replayPage(api, request.body, options);
    },
  });
}

async function replayPage(
  api: Api,
  { filter, dryRun, queue, limit, pageToken }: z.output<typeof replayBody>,
  options: ReturnType<typeof callerOf>,
) {
  const cursor = pageToken === undefined ? undefined : cursorOf(pageToken, filter);
  const { jobs, nextCursor } = await readPage(api, filter, cursor, limit);
  const ids = jobs.map(({ id }) => id);
  const { replayed, skipped } = await replayJobs(api.context, ids, { ...options, dryRun, queue });
  return {
    dryRun,
    data: replayed.map(({ of, job }) => ({
      replayOf: of.id,
      id: job?.id ?? null,
      queue: queue ?? of.queue,
      type: of.type,
    })),
    skipped: [...skipped],
    ...(nextCursor === null ? {} : { nextPageToken: pageTokenOf(nextCursor, filter) }),
  };
}
