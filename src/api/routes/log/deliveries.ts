import { z } from 'zod';
import type { FastifyReply } from 'fastify';
import type { ParkedDelivery } from '../../../consumers/groups/parked.ts';
import type { Delivery } from '../../../consumers/groups/receive.ts';
import type { Api } from '../../dependencies.ts';
import { type ApiServer, operation } from '../../operation.ts';
import { giveBack, receiveForMember } from '../../receiving/receive-for-member.ts';
import { createTurns } from '../../requests/turns.ts';
import type { Waits } from '../../requests/waits.ts';
import { askedPosition, shownMs } from '../../schemas/fields.ts';
import {
  acksSchema,
  deliveryOutcomesSchema,
  nacksSchema,
  parkedChangedSchema,
  parkedChangeSchema,
  parkedDeliveriesSchema,
  receivedSchema,
  receiveSchema,
} from '../../schemas/log/delivery.ts';
import { described } from '../../schemas/registry.ts';
import { cloudEventView } from '../../views/cloud-event-view.ts';
import { subscriptionPath } from './subscriptions.ts';

const one = { tags: ['subscriptions'], params: subscriptionPath } as const;

const receive = operation(
  {
    ...one,
    operationId: 'receiveEvents',
    summary: 'Ask for events as a member of a group, waiting for one if there is none',
    description:
      'Each event is handed to one member at a time, and must be answered by its deadline with ack or nack; else it is handed out again.',
    body: receiveSchema,
    response: { 200: receivedSchema },
  },
  [404, 409],
);
const ack = operation(
  {
    ...one,
    operationId: 'ackEvents',
    summary: 'Answer that events are done with',
    body: acksSchema,
    response: { 200: deliveryOutcomesSchema },
  },
  [404],
);
const nack = operation(
  {
    ...one,
    operationId: 'nackEvents',
    summary: 'Answer that events could not be handled: retry, park or skip them',
    body: nacksSchema,
    response: { 200: deliveryOutcomesSchema },
  },
  [404],
);
const parked = operation(
  {
    ...one,
    operationId: 'listParkedDeliveries',
    summary: 'List events that a subscription has put aside',
    querystring: z.strictObject({
      after: described(askedPosition.optional(), 'Events after this position.'),
      pageSize: described(z.coerce.number().int().min(1).max(1_000).default(50), 'At most 1,000.'),
    }),
    response: { 200: parkedDeliveriesSchema },
  },
  [404],
);
const parkedVerb = (operationId: string, summary: string) =>
  operation(
    {
      ...one,
      operationId,
      summary,
      body: parkedChangeSchema,
      response: { 200: parkedChangedSchema },
    },
    [404],
  );

/** /v1/subscriptions/{name}: what members do. */
export function deliveryRoutes(app: ApiServer, api: Api, waits: Waits): void {
  const { subscriptions, context, clock, limits } = api;
  const turns = createTurns<bigint>((id) => [`subscription:${id}`, 'log'], context.wakeUp, clock);

  app.route({
    method: 'POST',
    url: '/v1/subscriptions/:name/receive',
    schema: receive,
    handler: async (request, reply) => {
      const { name } = request.params;
      const wait = waits.begin(reply);
      try {
        const order = { ...request.body, name };
        const { deliveries, caughtUp } = await receiveForMember(api, turns, order, wait);
        giveBackIfUnsent(api, reply, name, deliveries);
        return { deliveries: deliveries.map((each) => deliveryView(api, each)), caughtUp };
      } finally {
        wait.end();
      }
    },
  });
  app.route({
    method: 'POST',
    url: '/v1/subscriptions/:name/ack',
    schema: ack,
    handler: async ({ params, body }) => {
      const acks = body.items.map(({ delivery }) => ({ delivery, action: 'ack' as const }));
      return { items: await subscriptions.settle(params.name, acks) };
    },
  });
  app.route({
    method: 'POST',
    url: '/v1/subscriptions/:name/nack',
    schema: nack,
    bodyLimit: limits.batchBytes,
    handler: async ({ params, body }) => ({
      items: await subscriptions.settle(params.name, body.items),
    }),
  });
  parkedRoutes(app, api);
}

const replay = parkedVerb(
  'replayParkedDeliveries',
  'Have parked events handed out again, in order',
);
const skip = parkedVerb('skipParkedDeliveries', 'Give parked events up, and go on behind them');

function parkedRoutes(app: ApiServer, { subscriptions }: Api): void {
  app.route({
    method: 'GET',
    url: '/v1/subscriptions/:name/parked',
    schema: parked,
    handler: async ({ params, query }) => {
      const { after = 0n, pageSize } = query;
      const events = await subscriptions.parked(params.name, after, pageSize);
      const last = events.length === pageSize ? events.at(-1) : undefined;
      return {
        data: events.map(parkedView),
        ...(last === undefined ? {} : { nextAfter: String(last.position) }),
      };
    },
  });
  app.route({
    method: 'POST',
    url: '/v1/subscriptions/:name/parked/replay',
    schema: replay,
    handler: async ({ params, body }) => ({
      changed: await subscriptions.replayParked(params.name, body?.streamId),
    }),
  });
  app.route({
    method: 'POST',
    url: '/v1/subscriptions/:name/parked/skip',
    schema: skip,
    handler: async ({ params, body }) => ({
      changed: await subscriptions.skipParked(params.name, body?.streamId),
    }),
  });
}

/** A client that goes while the answer is on its way to it has not seen the events either. */
function giveBackIfUnsent(
  api: Api,
  reply: FastifyReply,
  name: string,
  deliveries: readonly Delivery[],
): void {
  if (deliveries.length === 0) return;
  let sent = false;
  reply.raw.once('finish', () => {
    sent = true;
  });
  reply.raw.once('close', () => {
    if (sent) return;
    giveBack(api, name, deliveries).catch((error: unknown) => {
      api.context.observer.warn('events of a gone member wait for their deadline', { error });
    });
  });
}

function deliveryView({ context }: Api, { deadlineMs, event, ...rest }: Delivery) {
  return {
    ...rest,
    deadline: shownMs(deadlineMs),
    event: cloudEventView(event, context.database.schema),
  };
}

function parkedView({ position, parkedAtMs, ...rest }: ParkedDelivery) {
  return { ...rest, position: String(position), parkedAt: shownMs(parkedAtMs) };
}
