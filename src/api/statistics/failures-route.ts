import { z } from 'zod';
import { failureGroups } from '../../projections/failure-groups/projection.ts';
import {
  type FailureGroup,
  type FailureGroupCursor,
  listFailureGroups,
} from '../../projections/failure-groups/queries.ts';
import type { Api } from '../dependencies.ts';
import { type ApiServer, operation } from '../operation.ts';
import { cursorOf, pageTokenOf } from '../requests/page-token.ts';
import { readFresh } from '../requests/read-after.ts';
import { freshnessFields, nameField, shownMs } from '../schemas/fields.ts';
import { described } from '../schemas/registry.ts';
import { failurePageSchema } from './failures-schema.ts';

const MAX_PAGE = 1_000;

const filterFields = {
  queue: described(nameField.optional(), 'Of the newest failure.'),
  type: nameField.optional(),
};

const list = operation(
  {
    operationId: 'listFailures',
    summary: 'List the errors that jobs failed with, last seen first',
    description:
      'Failures are one error if their jobs have one type, the errors one name, and the messages differ in quoted texts, UUIDs, hex and numbers only. What is seen again while you turn pages moves to the front.',
    tags: ['statistics'],
    querystring: z.strictObject({
      ...filterFields,
      pageSize: described(
        z.coerce.number().int().min(1).default(50),
        `At most ${MAX_PAGE} are given.`,
      ),
      pageToken: described(
        z.string().max(200).optional(),
        '`nextPageToken` of the page before, with the same filter.',
      ),
      ...freshnessFields,
    }),
    response: { 200: failurePageSchema },
  },
  [404, 410],
);

/** GET /v1/failures. */
export function failureRoute(app: ApiServer, api: Api): void {
  const { database, names, tenantId } = api.context;
  app.route({
    method: 'GET',
    url: '/v1/failures',
    schema: list,
    handler: async (request) => {
      const { pageSize, pageToken, after, minPosition, ...filter } = request.query;
      const cursor =
        pageToken === undefined ? undefined : parseCursor(cursorOf(pageToken, filter, isCursor));
      const { queue, type } = filter;
      const queueId = queue === undefined ? undefined : await names.queueId(queue);
      const typeId = type === undefined ? undefined : await names.typeId(type);
      const { position } = await readFresh(api, [failureGroups.name], { after, minPosition });
      const asOf = { position: position.toString() };
      if (type !== undefined && typeId === undefined) return { data: [], asOf };
      const limit = Math.min(pageSize, MAX_PAGE);
      const page = await listFailureGroups(database, { tenantId, queueId, typeId, cursor, limit });
      const { groups, nextCursor: next } = page;
      return {
        data: groups.map(failureView),
        ...(next === null ? {} : { nextPageToken: pageTokenOf(cursorText(next), filter) }),
        asOf,
      };
    },
  });
}

function cursorText({ lastSeenMs, fingerprint }: FailureGroupCursor): string {
  return `${lastSeenMs}.${fingerprint}`;
}

function isCursor(text: string): boolean {
  return /^\d{1,15}\.[0-9a-f]{32}$/.test(text);
}

function parseCursor(text: string): FailureGroupCursor {
  const [lastSeenMs = '', fingerprint = ''] = text.split('.');
  return { lastSeenMs: Number(lastSeenMs), fingerprint };
}

function failureView(group: FailureGroup): z.output<typeof failurePageSchema>['data'][number] {
  return {
    fingerprint: group.fingerprint,
    type: group.type,
    queue: group.queue,
    error: group.error,
    jobId: group.jobId,
    firstSeenAt: shownMs(group.firstSeenMs),
    lastSeenAt: shownMs(group.lastSeenMs),
    count: group.failures,
    dead: group.dead,
  };
}
