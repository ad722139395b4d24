import { readLogLines } from '../../commands/read/read-gauges.ts';
import { z } from 'zod';
import { loadJobs } from '../../commands/read/load-jobs.ts';
import { readJob, waitForJob } from '../../commands/read/read-job.ts';
import { DaybookError } from '../../kernel/errors.ts';
import { isUuid } from '../../kernel/uuid.ts';
import type { Api } from '../dependencies.ts';
import { type ApiServer, operation } from '../operation.ts';
import { atField, onlyAt } from '../requests/at.ts';
import { shownMs } from '../schemas/fields.ts';
import { jobDetailSchema, jobEventsSchema, jobLogsSchema } from '../schemas/job.ts';
import { described } from '../schemas/registry.ts';
import { eventView } from '../views/event-view.ts';
import { jobDetailView } from '../views/job-view.ts';
import type { Waits } from '../requests/waits.ts';

/** Any text: an id that cannot be one is simply not found. */
export const jobPath = z.strictObject({ id: described(z.string(), 'The id of a job.') });

const getJob = operation(
  {
    operationId: 'getJob',
    summary: 'Read a job, always up to date',
    description:
      'With `waitMs` the answer comes when the job has ended, or after that time; with `at` it tells the job as it was then.',
    tags: ['jobs'],
    params: jobPath,
    querystring: z.strictObject({
      waitMs: described(
        z.coerce.number().int().min(0).max(60_000).default(0),
        'How long to wait for the end of the job.',
      ),
      at: atField.optional(),
    }),
    response: { 200: jobDetailSchema },
  },
  [404],
);

const getEvents = operation(
  {
    operationId: 'getJobEvents',
    summary: 'Read the whole history of a job',
    tags: ['jobs'],
    params: jobPath,
    response: { 200: jobEventsSchema },
  },
  [404],
);

/** Line numbers are 32 bits wide. */
const LAST_LINE = 2 ** 31 - 1;

const getLogs = operation(
  {
    operationId: 'getJobLogs',
    summary: 'Read what the handler of a job logged',
    tags: ['jobs'],
    params: jobPath,
    querystring: z.strictObject({
      after: described(
        z.coerce.number().int().min(-1).max(LAST_LINE).default(-1),
        'Lines after this one.',
      ),
      pageSize: described(z.coerce.number().int().min(1).default(100), 'At most 1,000 are given.'),
    }),
    response: { 200: jobLogsSchema },
  },
  [404],
);

/** GET /v1/jobs/{id} and what belongs to one job. */
export function jobRoutes(app: ApiServer, api: Api, waits: Waits): void {
  const { context, clock } = api;

  app.route({
    method: 'GET',
    url: '/v1/jobs/:id',
    schema: getJob,
    handler: async (request, reply) => {
      const { id } = request.params;
      const { waitMs, at } = request.query;
      if (at !== undefined) onlyAt({ waitMs: waitMs > 0 ? waitMs : undefined });
      if (waitMs === 0) return jobDetailView((await readJob(context, id, { at })) ?? noJob(id));
      const wait = waits.begin(reply);
      try {
        const options = { timeoutMs: waitMs, signal: wait.signal, clock };
        return jobDetailView((await waitForJob(context, id, options)) ?? noJob(id));
      } finally {
        wait.end();
      }
    },
  });

  app.route({
    method: 'GET',
    url: '/v1/jobs/:id/events',
    schema: getEvents,
    handler: async (request) => {
      const { events } = await mustLoad(api, request.params.id);
      return { data: events.map(eventView) };
    },
  });

  app.route({
    method: 'GET',
    url: '/v1/jobs/:id/logs',
    schema: getLogs,
    handler: async (request) => {
      const { after } = request.query;
      const limit = Math.min(request.query.pageSize, 1_000);
      return readLogs(api, request.params.id, after, limit);
    },
  });
}

/** @throws DaybookError `job-not-found` */
function noJob(id: string): never {
  throw new DaybookError('job-not-found', `There is no job "${id}".`);
}

/** A job and its events. @throws DaybookError `job-not-found` */
export async function mustLoad({ context }: Api, id: string) {
  const loaded = await loadJobs(context.database, context.tenantId, [id]);
  return loaded.get(id.toLowerCase()) ?? noJob(id);
}

async function readLogs(api: Api, id: string, after: number, limit: number) {
  const { context } = api;
  if (!isUuid(id.toLowerCase())) noJob(id);
  const rows = await readLogLines(context, id, after, limit + 1);
  // No line does not say that there is a job.
  if (rows.length === 0) await mustLoad(api, id);
  const lines = rows.slice(0, limit);
  const last = lines.at(-1);
  return {
    data: lines.map(({ line, logged_at, message }) => ({
      line,
      loggedAt: shownMs(logged_at),
      message,
    })),
    ...(rows.length > limit && last !== undefined ? { nextAfter: last.line } : {}),
  };
}
