import { z } from 'zod';
import type { SubscriptionState } from '../../../consumers/groups/subscription-state.ts';
import type { Api } from '../../dependencies.ts';
import { type ApiServer, operation, unwantedBody } from '../../operation.ts';
import { nameField, shownMs, shownMsOrNull } from '../../schemas/fields.ts';
import {
  newSubscriptionSchema,
  resetSchema,
  subscriptionChangeSchema,
  subscriptionDetailSchema,
  subscriptionSchema,
  subscriptionsSchema,
} from '../../schemas/log/subscription.ts';
import { described } from '../../schemas/registry.ts';

export const subscriptionPath = z.strictObject({ name: nameField });

const tags = ['subscriptions'] as const;
const one = { tags, params: subscriptionPath } as const;

const list = operation({
  operationId: 'listSubscriptions',
  summary: 'List subscriptions with their lag',
  tags,
  response: { 200: subscriptionsSchema },
});
const get = operation(
  {
    ...one,
    operationId: 'getSubscription',
    summary: 'Read a subscription, with who holds its events',
    response: { 200: subscriptionDetailSchema },
  },
  [404],
);
const put = operation(
  {
    ...one,
    operationId: 'putSubscription',
    summary: 'Make a subscription, or find it there just so',
    description:
      'A subscription is a named reader of the log whose place Daybook keeps. Its members ask for events and answer each of them; delivery is at least once.',
    body: newSubscriptionSchema,
    response: {
      200: described(subscriptionSchema, 'It was there, with the same settings.'),
      201: described(subscriptionSchema, 'It was made.'),
    },
  },
  [409, 410, 422],
);
const patch = operation(
  {
    ...one,
    operationId: 'changeSubscription',
    summary: 'Change settings of a subscription',
    body: subscriptionChangeSchema,
    response: { 200: subscriptionSchema },
  },
  [404],
);
const remove = operation(
  {
    ...one,
    operationId: 'deleteSubscription',
    summary: 'Delete a subscription and its place',
    response: { 204: described(z.null(), 'Done.') },
  },
  [404, ...unwantedBody],
);
const reset = operation(
  {
    ...one,
    operationId: 'resetSubscription',
    summary: 'Let a subscription begin anew from another place',
    description: 'What is in flight, waiting or parked is forgotten.',
    body: resetSchema,
    response: { 200: subscriptionSchema },
  },
  [404, 410],
);

/** /v1/subscriptions: what they are made of, and how far they are. */
export function subscriptionRoutes(app: ApiServer, { subscriptions }: Api): void {
  app.route({
    method: 'GET',
    url: '/v1/subscriptions',
    schema: list,
    handler: async () => ({ data: (await subscriptions.list()).map(subscriptionView) }),
  });
  app.route({
    method: 'GET',
    url: '/v1/subscriptions/:name',
    schema: get,
    handler: async ({ params: { name } }) => {
      const view = subscriptionView(await subscriptions.get(name));
      const members = await subscriptions.members(name);
      return {
        ...view,
        members: members.map(({ nextDeadlineMs, ...member }) => ({
          ...member,
          nextDeadline: shownMs(nextDeadlineMs),
        })),
      };
    },
  });
  app.route({
    method: 'PUT',
    url: '/v1/subscriptions/:name',
    schema: put,
    handler: async (request, reply) => {
      const { created, subscription } = await subscriptions.put(
        request.params.name,
        request.body ?? {},
      );
      return reply.code(created ? 201 : 200).send(subscriptionView(subscription));
    },
  });
  app.route({
    method: 'PATCH',
    url: '/v1/subscriptions/:name',
    schema: patch,
    handler: async (request) =>
      subscriptionView(await subscriptions.change(request.params.name, request.body)),
  });
  app.route({
    method: 'DELETE',
    url: '/v1/subscriptions/:name',
    schema: remove,
    handler: async (request, reply) => {
      await subscriptions.remove(request.params.name);
      return reply.code(204).send(null);
    },
  });
  app.route({
    method: 'POST',
    url: '/v1/subscriptions/:name/reset',
    schema: reset,
    handler: async (request) =>
      subscriptionView(await subscriptions.reset(request.params.name, request.body.to)),
  });
}

function subscriptionView(state: SubscriptionState) {
  const { position, readPosition, head, lagEvents, createdAtMs, movedAtMs, askedAtMs, ...rest } =
    state;
  return {
    ...rest,
    filter: rest.filter as z.output<typeof subscriptionSchema>['filter'],
    position: String(position),
    readPosition: String(readPosition),
    head: String(head),
    lagEvents: Number(lagEvents),
    createdAt: shownMs(createdAtMs),
    movedAt: shownMs(movedAtMs),
    askedAt: shownMsOrNull(askedAtMs),
  };
}
