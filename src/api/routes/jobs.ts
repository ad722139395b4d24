import { z } from 'zod';
import { isStorable } from '../../domain/storable-text.ts';
import { type ListedJob, listJobs } from '../../projections/job-status/queries.ts';
import { jobStatus } from '../../projections/job-status/projection.ts';
import type { Api } from '../dependencies.ts';
import { type ApiServer, operation } from '../operation.ts';
import { cursorOf, pageTokenOf } from '../requests/page-token.ts';
import { readFresh } from '../requests/read-after.ts';
import {
  fingerprintField,
  freshnessFields,
  nameField,
  shownMs,
  shownMsOrNull,
  timeField,
} from '../schemas/fields.ts';
import { jobPageSchema, phaseField } from '../schemas/job.ts';
import { described } from '../schemas/registry.ts';

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
      'Read from a read model, a moment behind; `after` and `minPosition` wait up to a second.',
    tags: ['jobs'],
    querystring: z.strictObject({
      ...filterFields,
      pageSize: described(z.coerce.number().int().min(1).default(50), 'At most 1,000 are given.'),
      pageToken: described(
        z.string().max(200).optional(),
        '`nextPageToken` of the page before, with the same filter.',
      ),
      ...freshnessFields,
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
      const { pageSize, pageToken, after, minPosition, ...filter } = request.query;
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
  { context }: Api,
  filter: Filter,
  cursor: string | undefined,
  limit: number,
) {
  const { database, names, tenantId } = context;
  const { queue, type, state } = filter;
  const queueId = queue === undefined ? undefined : await names.queueId(queue);
  let typeId: number | undefined;
  if (type !== undefined) {
    typeId = await names.typeId(type);
    if (typeId === undefined) return { jobs: [], nextCursor: null };
  }
  return listJobs(database, {
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
  });
}

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
