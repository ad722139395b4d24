import { z } from 'zod';
import { cloudEventType } from '../domain/cloud-event.ts';
import { type EventType, eventTypes } from '../domain/event-types.ts';
import type { ApiServer } from './operation.ts';
import { eventDataSchemas } from './schemas/log/event-data.ts';
import { cloudEventAttributes, eventFilterFields } from './schemas/log/events.ts';
import { apiRegistry } from './schemas/registry.ts';

/**
 * GET /asyncapi.json: the log as an AsyncAPI 3.0 document, with one message per event type. Made from
 * the schemas that the compiler holds against the events themselves.
 */
export function asyncApiRoute(app: ApiServer, version: string): void {
  let document: object | undefined;
  app.route({
    method: 'GET',
    url: '/asyncapi.json',
    schema: { hide: true },
    handler: () => {
      document ??= asyncApiDocument(version);
      return Promise.resolve(document);
    },
  });
}

function asyncApiDocument(version: string): object {
  return {
    asyncapi: '3.0.0',
    id: 'urn:daybook:log',
    info: {
      title: 'Daybook',
      version,
      description:
        'The log of Daybook: every change of every job and queue, in one gap-free order, as CloudEvents 1.0. Each position comes once per connection; a client that comes back with the token of the last event it has dealt with misses nothing.',
      license: { name: 'MIT', url: 'https://opensource.org/license/mit' },
    },
    defaultContentType: 'application/cloudevents+json',
    channels: {
      events: {
        address: '/v1/events',
        title: 'The log',
        description: `GET with \`Accept: text/event-stream\` (or application/x-ndjson). Filters, each repeatable: ${Object.keys(eventFilterFields).join(', ')}. \`after\` or Last-Event-ID say where to begin.`,
        messages: Object.fromEntries(
          messageNames.map((name) => [name, { $ref: `#/components/messages/${name}` }]),
        ),
        bindings: { http: {} },
      },
    },
    operations: {
      sendEvents: {
        action: 'send',
        title: 'Daybook sends the events of its log',
        channel: { $ref: '#/channels/events' },
        messages: messageNames.map((name) => ({ $ref: `#/channels/events/messages/${name}` })),
      },
    },
    components: {
      messages: {
        ...Object.fromEntries(eventTypes.map((type) => [type, eventMessage(type)])),
        ...signalMessages,
      },
      messageTraits: {
        cloudEvent: {
          contentType: 'application/cloudevents+json',
          correlationId: { location: '$message.payload#/correlationid' },
          headers: { $ref: '#/components/schemas/CloudEventAttributes' },
        },
      },
      schemas: {
        CloudEventAttributes: jsonSchema(z.object(cloudEventAttributes)),
        ...Object.fromEntries(
          eventTypes.map((type) => [`${type}Data`, jsonSchema(eventDataSchemas[type])]),
        ),
      },
    },
  };
}

const signals = {
  'caught-up': 'Everything there was has been sent; what follows is new.',
  gap: 'The client was too slow and is read from the log again. Nothing is lost.',
  reset:
    'The token is of another epoch, or what follows it is no longer there: what the client made of the log before is to be made anew. The stream ends; `token` leads to the first event there is.',
} as const;

const messageNames = [...eventTypes, ...Object.keys(signals)];

/** Schema version of every event type so far. */
const SCHEMA_VERSION = 1;

function eventMessage(type: EventType): object {
  return {
    name: cloudEventType(type, SCHEMA_VERSION),
    title: type,
    traits: [{ $ref: '#/components/messageTraits/cloudEvent' }],
    payload: {
      allOf: [
        { $ref: '#/components/schemas/CloudEventAttributes' },
        {
          type: 'object',
          properties: {
            type: { const: cloudEventType(type, SCHEMA_VERSION) },
            data: { $ref: `#/components/schemas/${type}Data` },
          },
          required: ['type', 'data'],
        },
      ],
    },
  };
}

const signalMessages = Object.fromEntries(
  Object.entries(signals).map(([name, summary]) => [
    name,
    {
      name,
      title: name,
      summary,
      contentType: 'application/json',
      payload: {
        type: 'object',
        properties: {
          token: { type: 'string', description: 'Where to go on from.' },
          reason: { enum: ['epoch', 'dropped', 'ahead'], description: 'Of a reset.' },
        },
        required: ['token'],
      },
    },
  ]),
);

/** As others see it: they must not trip over members that a newer version adds. */
function jsonSchema(schema: z.ZodType): object {
  return z.toJSONSchema(schema, {
    metadata: apiRegistry,
    target: 'draft-7',
    io: 'input',
    reused: 'inline',
  });
}
