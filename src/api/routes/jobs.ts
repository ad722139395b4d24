import { z } from 'zod';
import { type At, resolveAt } from '../../commands/read/moment.ts';
import { isStorable } from '../../domain/storable-text.ts';
import type { JobFilter } from '../../projections/job-status/job-filter.ts';
import { type JobPage, type ListedJob, listJobs } from '../../projections/job-status/queries.ts';
import { jobStatus } from '../../projections/job-status/projection.ts';
import type { Api } from '../dependencies.ts';
import { type ApiServer, operation } from '../operation.ts';
import { atField, onlyAt, untilRead } from '../requests/at.ts';
import { cursorOf, pageTokenOf } from '../requests/page-token.ts';
import { readFresh } from '../requests/read-after.ts';
import {
  asOfView,
  fingerprintField,
  freshnessFields,
  nameField,
  shownMs,
  shownMsOrNull,
  timeField,
} from '../schemas/fields.ts';
import { jobPageSchema, phaseField } from '../schemas/job.ts';
import { described } from '../schemas/registry.ts';
import { listJobsAt } from '../time-travel/jobs-at.ts';
import { cursorAt, pageTokenAt } from '../time-travel/page-token-at.ts';

const text = (description: string) =>
  described(z.string().min(1).max(200).refine(isStorable, 'must not hold NUL'), description);

const filterFields = {
  queue: nameField.optional(),
  state: phaseField.optional(),
  type: nameField.optional(),
  tag: text('Jobs that have this tag.').optional(),
  submittedAfter: described(timeField, 'Submitted at this time or later.').optional(),
  submittedBefore: described(timeField, 'Submitted before this time.').optional(),
  error: text(
    'The name of the newest error, or a part of its message (of its first 200 characters).',
  ).optional(),
  failure: fingerprintField.optional(),
};

const list = operation(
  {
    operationId: 'listJobs',
    summary: 'List jobs, newest first',
    description:
      'Read from a read model, a moment behind; `after` and `minPosition` wait up to a second. With `at` it tells what the list was then: exact, and the same on every page.',
    tags: ['jobs'],
    querystring: z.strictObject({
      ...filterFields,
      pageSize: described(z.coerce.number().int().min(1).default(50), 'At most 1,000 are given.'),
      pageToken: described(
        z.string().max(200).optional(),
        '`nextPageToken` of the page before, with the same filter.',
      ),
      ...freshnessFields,
      at: atField.optional(),
    }),
    response: { 200: jobPageSchema },
  },
  [404, 410],
);

/** GET /v1/jobs. */
export function jobListRoute(app: ApiServer, api: Api): void {
  app.route({
    method: 'GET',
    url: '/v1/jobs',
    schema: list,
    handler: async (request) => {
      const { pageSize, pageToken, after, minPosition, at, ...filter } = request.query;
      if (at !== undefined) {
        onlyAt({ after, minPosition });
        return pageAt(api, filter, at, pageSize, pageToken);
      }
      const cursor = pageToken === undefined ? undefined : cursorOf(pageToken, filter);
      const { position } = await readFresh(api, [jobStatus.name], { after, minPosition });
      const { jobs, nextCursor } = await readPage(api, filter, cursor, pageSize);
      return {
        data: jobs.map(listedView),
        ...(nextCursor === null ? {} : { nextPageToken: pageTokenOf(nextCursor, filter) }),
        asOf: { position: position.toString() },
      };
    },
  });
}

type Filter = {
  readonly [Field in keyof typeof filterFields]?: z.output<(typeof filterFields)[Field]>;
};

/** @throws DaybookError `queue-not-found` */
export async function readPage(
  api: Api,
  filter: Filter,
  cursor: string | undefined,
  limit: number,
): Promise<JobPage> {
  const wanted = await jobFilter(api, filter, cursor, limit);
  return wanted === null ? noJobs : listJobs(api.context.database, wanted);
}

async function pageAt(
  api: Api,
  filter: Filter,
  at: At,
  pageSize: number,
  pageToken: string | undefined,
): Promise<z.output<typeof jobPageSchema>> {
  const asked = { ...filter, at: typeof at === 'bigint' ? at.toString() : at.toISOString() };
  const next = pageToken === undefined ? undefined : cursorAt(pageToken, asked);
  const moment = next?.moment ?? (await resolveAt(api.context.database, at));
  await untilRead(api, moment, [jobStatus]);
  const wanted = await jobFilter(api, filter, next?.cursor, pageSize);
  const { jobs, nextCursor } =
    wanted === null ? noJobs : await listJobsAt(api.context, wanted, moment);
  return {
    data: jobs.map(listedView),
    ...(nextCursor === null ? {} : { nextPageToken: pageTokenAt(nextCursor, asked, moment) }),
    asOf: asOfView(moment),
  };
}

/** What to look for; null where nothing can be found. @throws DaybookError `queue-not-found` */
async function jobFilter(
  { context }: Api,
  filter: Filter,
  cursor: string | undefined,
  limit: number,
): Promise<JobFilter | null> {
  const { names, tenantId } = context;
  const { queue, type, state } = filter;
  const queueId = queue === undefined ? undefined : await names.queueId(queue);
  const typeId = type === undefined ? undefined : await names.typeId(type);
  if (type !== undefined && typeId === undefined) return null;
  return {
    tenantId,
    queueId,
    typeId,
    phases: state === undefined ? undefined : [state],
    tag: filter.tag,
    submittedAfterMs: filter.submittedAfter,
    submittedBeforeMs: filter.submittedBefore,
    error: filter.error,
    failure: filter.failure,
    cursor,
    limit,
  };
}

const noJobs: JobPage = { jobs: [], nextCursor: null };

function listedView(job: ListedJob): z.output<typeof jobPageSchema>['data'][number] {
  return {
    id: job.id,
    queue: job.queue,
    type: job.type,
    state: job.phase,
    version: job.version,
    priority: job.priority,
    runAt: shownMs(job.runAtMs),
    submittedAt: shownMs(job.submittedAtMs),
    startedAt: shownMsOrNull(job.startedAtMs),
    endedAt: shownMsOrNull(job.endedAtMs),
    failures: job.failures,
    maxAttempts: job.maxAttempts,
    tags: [...job.tags],
    uniqueKey: job.uniqueKey,
    correlationId: job.correlationId,
    error: job.error,
    failure: job.failure,
  };
}
