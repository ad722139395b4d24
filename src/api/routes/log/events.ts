import { z } from 'zod';
import {
  mustBeEpoch,
  type StartPosition,
  startAfter,
} from '../../../consumers/tail/start-position.ts';
import type { EventFilter } from '../../../domain/event-filter.ts';
import { formatLogToken } from '../../../domain/log-token.ts';
import type { Api } from '../../dependencies.ts';
import { formatFor } from '../../events/answer-format.ts';
import { createNdjsonFrames, createSseFrames } from '../../events/event-frames.ts';
import type { OpenStreams } from '../../events/open-streams.ts';
import { exportEvents, followEvents, type StreamKind } from '../../events/send-events.ts';
import { type ApiServer, operation } from '../../operation.ts';
import { eventFilterFields, eventPageSchema } from '../../schemas/log/events.ts';
import { described } from '../../schemas/registry.ts';
import { cloudEventView } from '../../views/cloud-event-view.ts';

const flag = z.enum(['true', 'false']).transform((text) => text === 'true');

const ndjson = described(
  z.string(),
  'Lines: a CloudEvent, or `{"signal": "caught-up" | "gap" | "reset" | "heartbeat", "token": …}`. An export that is complete ends with `caught-up`.',
);
const serverSentEvents = described(
  z.string(),
  'Server-sent events: a CloudEvent as `data`, its log token as `id`; and the events `caught-up`, `gap` and `reset`.',
);

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
    response: {
      200: {
        description: 'Events in the order of the log.',
        content: {
          'application/json': { schema: eventPageSchema },
          'application/x-ndjson': { schema: ndjson },
          'text/event-stream': { schema: serverSentEvents },
        },
      },
    },
  },
  [410],
);

/** GET /v1/events. */
export function eventRoutes(app: ApiServer, api: Api, streams: OpenStreams): void {
  const kinds = createKinds(api);
  app.route({
    method: 'GET',
    url: '/v1/events',
    schema: list,
    handler: async (request, reply) => {
      const { query, headers, method } = request;
      // An answer to HEAD has no body that could go on for ever.
      const format = method === 'HEAD' ? 'application/json' : formatFor(headers.accept);
      const isLive = format === 'text/event-stream';
      const start = headers['last-event-id'] ?? query.after ?? (isLive ? 'end' : 'start');
      const filter = filterOf(query);
      if (format === 'application/json') {
        return readOnePage(api, start, filter, Math.min(query.pageSize, 1_000));
      }
      const send = isLive || query.follow ? followEvents : exportEvents;
      return send(api, streams, reply, kinds[format], { start, filter });
    },
  });
}

/** How long clients wait before they come back, in ms. */
const RETRY_MS = 2_000;

function createKinds({ context }: Api) {
  const installation = context.database.schema;
  const serverSent: StreamKind = {
    contentType: 'text/event-stream',
    frames: createSseFrames(installation),
    greeting: `retry: ${RETRY_MS}\n\n`,
    // Spread out, so that those who were cut off together do not come back together.
    farewell: () => `retry: ${Math.ceil(RETRY_MS * (0.25 + context.random()))}\n\n`,
    resetsInStream: true,
  };
  const lines: StreamKind = {
    contentType: 'application/x-ndjson',
    frames: createNdjsonFrames(installation),
    greeting: '',
    farewell: () => '',
    resetsInStream: false,
  };
  return { 'text/event-stream': serverSent, 'application/x-ndjson': lines };
}

async function readOnePage(api: Api, start: StartPosition, filter: EventFilter, limit: number) {
  const { schema } = api.context.database;
  const bounds = await api.tail.bounds();
  const after = startAfter(start, bounds);
  const page = await api.tail.read({ after, filter, limit });
  mustBeEpoch(bounds.epoch, page);
  return {
    data: page.events.map((event) => cloudEventView(event, schema)),
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
