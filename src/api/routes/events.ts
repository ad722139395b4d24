import { z } from 'zod';
import { readBounds, readPage } from '../../consumers/tail/log-page.ts';
import { type StartPosition, startAfter } from '../../consumers/tail/start-position.ts';
import type { EventFilter } from '../../domain/event-filter.ts';
import { formatLogToken } from '../../domain/log-token.ts';
import type { Api } from '../dependencies.ts';
import { type ApiServer, operation } from '../operation.ts';
import { eventFilterFields, eventPageSchema } from '../schemas/events.ts';
import { described } from '../schemas/registry.ts';
import { cloudEventView } from '../views/cloud-event-view.ts';

const flag = z.enum(['true', 'false']).transform((text) => text === 'true');

const list = operation(
  {
    operationId: 'listEvents',
    summary: 'Read the log: a page, or what happens from now on',
    description:
      'By Accept: `application/json` is one page, `application/x-ndjson` one event per line up to the end of the log (with `follow` and beyond), `text/event-stream` server-sent events, which begin at the end of the log unless `after` or Last-Event-ID says otherwise. /asyncapi.json describes each event.',
    tags: ['events'],
    querystring: z.strictObject({
      ...eventFilterFields,
      after: described(
        z.string().max(100).optional(),
        'A log token, a position, `start` or `end`. Last-Event-ID goes before it.',
      ),
      follow: described(flag.default(false), 'NDJSON goes on with what is written from now on.'),
      pageSize: described(
        z.coerce.number().int().min(1).default(100),
        'Events of a page; at most 1,000 are given.',
      ),
    }),
    headers: z.looseObject({
      'last-event-id': described(
        z.string().max(100).optional(),
        'The id of the last event that was read.',
      ),
    }),
    response: { 200: eventPageSchema },
  },
  [410],
);

/** GET /v1/events. */
export function eventRoutes(app: ApiServer, api: Api): void {
  app.route({
    method: 'GET',
    url: '/v1/events',
    schema: list,
    handler: async (request) => {
      const { query, headers } = request;
      const start = headers['last-event-id'] ?? query.after ?? 'start';
      return readOnePage(api, start, filterOf(query), Math.min(query.pageSize, 1_000));
    },
  });
}

async function readOnePage(api: Api, start: StartPosition, filter: EventFilter, limit: number) {
  const { database, tenantId } = api.context;
  const after = startAfter(start, await readBounds(database, tenantId));
  const page = await readPage(database, { tenantId, after, filter, limit });
  return {
    data: page.events.map((event) => cloudEventView(event, database.schema)),
    nextAfter: formatLogToken({ epoch: page.epoch, position: page.upTo }),
    caughtUp: page.upTo >= page.head,
  };
}

function filterOf(query: z.output<typeof list.querystring>): EventFilter {
  return {
    eventTypes: query.eventType,
    queues: query.queue,
    jobTypes: query.jobType,
    jobs: query.job,
    tags: query.tag,
    correlations: query.correlation,
  };
}
