import { z } from 'zod';
import { changeQueue, getQueue, listQueues } from '../../commands/change/change-queue.ts';
import type { QueueCommand, QueueSettings } from '../../domain/queue/queue.ts';
import { invariant } from '../../kernel/invariant.ts';
import { jobMetrics } from '../../projections/job-metrics/projection.ts';
import { jobStatus } from '../../projections/job-status/projection.ts';
import { queueCounters } from '../../projections/queue-counters/projection.ts';
import { atField, momentOf, onlyAt } from '../requests/at.ts';
import { callerOf } from '../requests/caller.ts';
import { readFresh } from '../requests/read-after.ts';
import type { Api } from '../dependencies.ts';
import { type ApiServer, operation, writeHeaders } from '../operation.ts';
import { freshnessFields, nameField, reasonBody, reasonField } from '../schemas/fields.ts';
import {
  queueAtSchema,
  queueSchema,
  queuesAtSchema,
  queueSettingsSchema,
  queuesSchema,
  writtenQueue,
} from '../schemas/queue.ts';
import { named } from '../schemas/registry.ts';
import { queueAtView, queuesAtView } from '../time-travel/queues-at.ts';
import { queueViews, writtenQueueView } from '../views/queue-view.ts';

export const queuePath = z.strictObject({ queue: nameField });

const configureBody = named(
  'QueueChange',
  z
    .strictObject({ settings: queueSettingsSchema, reason: reasonField.optional() })
    .refine(({ settings }) => Object.keys(settings).length > 0, {
      path: ['settings'],
      error: 'must change something',
    }),
  'Settings to change; what is left out stays as it is.',
  { examples: [{ settings: { concurrency: 5 }, reason: 'the provider is slow' }] },
);

const tags = ['queues'] as const;
const readQuery = z.strictObject({ ...freshnessFields, at: atField.optional() });
const getMany = operation(
  {
    operationId: 'listQueues',
    summary: 'List queues with what is in them',
    description: 'With `at` it tells them as they were then, without those that did not exist.',
    tags,
    querystring: readQuery,
    response: { 200: z.union([queuesSchema, queuesAtSchema]) },
  },
  [410],
);
const getOne = operation(
  {
    operationId: 'getQueue',
    summary: 'Read a queue',
    description:
      'With `at` it tells the queue as it was then: depth, oldest job, what was running, settings.',
    tags,
    params: queuePath,
    querystring: readQuery,
    response: { 200: z.union([queueSchema, queueAtSchema]) },
  },
  [404, 410],
);

const write = {
  tags,
  params: queuePath,
  headers: writeHeaders,
  response: { 200: writtenQueue },
} as const;
const pause = operation(
  {
    ...write,
    operationId: 'pauseQueue',
    summary: 'Stop handing out jobs of a queue',
    body: reasonBody,
  },
  [404, 409],
);
const resume = operation(
  {
    ...write,
    operationId: 'resumeQueue',
    summary: 'Hand out jobs of a queue again',
    body: reasonBody,
  },
  [404, 409],
);
const configure = operation(
  {
    ...write,
    operationId: 'configureQueue',
    summary: 'Change the settings of a queue',
    body: configureBody,
  },
  [404, 409],
);

/** The read models that keep the past of a queue. */
const kept = [jobStatus, queueCounters];
/** What queues are shown from. */
const readModels = [queueCounters.name, jobMetrics.name];

/** /v1/queues and below, but for claims. */
export function queueRoutes(app: ApiServer, api: Api): void {
  const { context } = api;

  app.route({
    method: 'GET',
    url: '/v1/queues',
    schema: getMany,
    handler: async (request) => {
      const { at, ...freshness } = request.query;
      if (at !== undefined) {
        onlyAt(freshness);
        return queuesAtView(context, await momentOf(api, at, kept));
      }
      const { position } = await readFresh(api, readModels, freshness);
      const data = await queueViews(api, await listQueues(context));
      return { data, asOf: { position: position.toString() } };
    },
  });
  app.route({
    method: 'GET',
    url: '/v1/queues/:queue',
    schema: getOne,
    handler: async (request) => {
      const { at, ...freshness } = request.query;
      const { queue: name } = request.params;
      if (at !== undefined) {
        onlyAt(freshness);
        return queueAtView(context, name, await momentOf(api, at, kept));
      }
      await readFresh(api, readModels, freshness);
      const queue = await getQueue(context, name);
      const [view] = await queueViews(api, [queue]);
      invariant(view !== undefined, 'each queue has a view');
      return view;
    },
  });

  const change = async (
    request: Parameters<typeof callerOf>[0],
    name: string,
    command: Exclude<QueueCommand, { kind: 'create' }>,
  ) => writtenQueueView(await changeQueue(context, name, command, callerOf(request)));

  app.route({
    method: 'POST',
    url: '/v1/queues/:queue/pause',
    schema: pause,
    handler: (request) => {
      const reason = request.body?.reason ?? null;
      return change(request, request.params.queue, { kind: 'pause', reason });
    },
  });
  app.route({
    method: 'POST',
    url: '/v1/queues/:queue/resume',
    schema: resume,
    handler: (request) => {
      const reason = request.body?.reason ?? null;
      return change(request, request.params.queue, { kind: 'resume', reason });
    },
  });
  app.route({
    method: 'PATCH',
    url: '/v1/queues/:queue',
    schema: configure,
    handler: (request) => {
      const { reason = null } = request.body;
      // JSON has no undefined: a key that is there has a value.
      const settings = request.body.settings as QueueSettings;
      return change(request, request.params.queue, { kind: 'configure', settings, reason });
    },
  });
}
