import { z } from 'zod';
import type { ParkedEvent } from '../../../consumers/consumer-control.ts';
import type { ConsumerLag } from '../../../consumers/lag.ts';
import type { Api } from '../../dependencies.ts';
import { type ApiServer, operation, unwantedBody } from '../../operation.ts';
import { consumerNameField, consumersSchema, parkedSchema } from '../../schemas/consumer.ts';
import { askedPosition, shownMs, uuidField } from '../../schemas/fields.ts';
import { described } from '../../schemas/registry.ts';

const tags = ['consumers'] as const;
const namePath = z.strictObject({ name: consumerNameField });
const streamPath = z.strictObject({ name: consumerNameField, streamId: uuidField });
const done = described(z.null(), 'Done.');

const list = (operationId: string, summary: string) =>
  operation({ operationId, summary, tags, response: { 200: consumersSchema } });

/** A verb on a consumer that answers nothing but that it is done. */
const verb = (operationId: string, summary: string, failures: readonly number[] = [404]) =>
  operation(
    {
      operationId,
      summary,
      tags,
      params: namePath,
      response: { 204: done },
    },
    [...failures, ...unwantedBody],
  );

const parked = operation(
  {
    operationId: 'listParkedEvents',
    summary: 'List events that a consumer has put aside',
    tags,
    params: namePath,
    querystring: z.strictObject({
      after: described(askedPosition.optional(), 'Events after this position.'),
      pageSize: described(z.coerce.number().int().min(1).max(1_000).default(50), 'At most 1,000.'),
    }),
    response: { 200: parkedSchema },
  },
  [404],
);
const parkedVerb = (operationId: string, summary: string) =>
  operation({ operationId, summary, tags, params: streamPath, response: { 204: done } }, [
    404,
    ...unwantedBody,
  ]);

/** /v1/projections and /v1/consumers: how far they are, and what operators do with them. */
export function consumerRoutes(app: ApiServer, { consumers }: Api): void {
  app.route({
    method: 'GET',
    url: '/v1/projections',
    schema: list('listProjections', 'List read models with their lag and progress'),
    handler: async () => ({
      data: (await consumers.list()).filter((each) => each.isReadModel).map(consumerView),
    }),
  });
  app.route({
    method: 'GET',
    url: '/v1/consumers',
    schema: list('listConsumers', 'List all consumers of the log with their lag'),
    handler: async () => ({ data: (await consumers.list()).map(consumerView) }),
  });

  const verbs = [
    ['POST', '/v1/projections/:name/rebuild', consumers.rebuild, rebuild],
    ['DELETE', '/v1/projections/:name/rebuild', consumers.abortRebuild, abort],
    ['POST', '/v1/projections/:name/rebuild/pause', consumers.pauseRebuild, pauseRebuild],
    ['POST', '/v1/projections/:name/rebuild/resume', consumers.resumeRebuild, resumeRebuild],
    ['POST', '/v1/consumers/:name/pause', consumers.pause, pause],
    ['POST', '/v1/consumers/:name/resume', consumers.resume, resume],
  ] as const;
  for (const [method, url, change, schema] of verbs) {
    app.route({
      method,
      url,
      schema,
      handler: async (request, reply) => {
        await change(request.params.name);
        return reply.code(204).send(null);
      },
    });
  }

  parkedRoutes(app, consumers);
}

const rebuild = verb(
  'rebuildProjection',
  'Build a read model anew beside the live one',
  [404, 409],
);
const abort = verb('abortRebuild', 'End a rebuild and throw away what it has made');
const pauseRebuild = verb('pauseRebuild', 'Pause a rebuild');
const resumeRebuild = verb('resumeRebuild', 'Let a rebuild go on');
const pause = verb('pauseConsumer', 'Stop a consumer where it stands');
const resume = verb('resumeConsumer', 'Let a consumer go on, after a pause or a failure');

function parkedRoutes(app: ApiServer, consumers: Api['consumers']): void {
  app.route({
    method: 'GET',
    url: '/v1/consumers/:name/parked',
    schema: parked,
    handler: async (request) => {
      const { after = 0n, pageSize } = request.query;
      const events = await consumers.parked(request.params.name, after, pageSize);
      const last = events.length === pageSize ? events.at(-1) : undefined;
      return {
        data: events.map(parkedView),
        ...(last === undefined ? {} : { nextAfter: String(last.position) }),
      };
    },
  });
  app.route({
    method: 'POST',
    url: '/v1/consumers/:name/parked/:streamId/retry',
    schema: parkedVerb('retryParked', 'Have the parked events of a stream handled again, in order'),
    handler: async (request, reply) => {
      const { name, streamId } = request.params;
      await consumers.retryParked(name, streamId);
      return reply.code(204).send(null);
    },
  });
  app.route({
    method: 'POST',
    url: '/v1/consumers/:name/parked/:streamId/skip',
    schema: parkedVerb('skipParked', 'Give up on the first parked event of a stream, go on behind'),
    handler: async (request, reply) => {
      const { name, streamId } = request.params;
      await consumers.skipParked(name, streamId);
      return reply.code(204).send(null);
    },
  });
}

function consumerView(lag: ConsumerLag) {
  const { begunAtMs, updatedAtMs, position, head, lagEvents, failure, ...rest } = lag;
  return {
    ...rest,
    position: String(position),
    head: String(head),
    lagEvents: Number(lagEvents),
    failure: failure as { message: string } | null,
    begunAt: shownMs(begunAtMs),
    updatedAt: shownMs(updatedAtMs),
  };
}

function parkedView({ parkedAtMs, position, error, ...rest }: ParkedEvent) {
  return {
    ...rest,
    position: String(position),
    error: error as { message: string } | null,
    parkedAt: shownMs(parkedAtMs),
  };
}
