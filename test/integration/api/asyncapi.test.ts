import specs from '@asyncapi/specs';
import { Ajv } from 'ajv';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { eventDataSchemas } from '../../../src/api/schemas/log/event-data.ts';
import { cloudEventType } from '../../../src/domain/cloud-event.ts';
import { type EventType, eventTypes } from '../../../src/domain/event-types.ts';
import { claim, submitMany } from '../../support/job-steps.ts';
import { sequenceAll } from '../../support/log-steps.ts';
import { createTestApi, type TestApi } from './api-server.ts';

type Node = Record<string, unknown>;

let api: TestApi;
// oxlint-disable-next-line typescript/no-explicit-any -- a document is walked by its own words
let document: any;
beforeAll(async () => {
  api = await createTestApi();
  document = (await api.get('/asyncapi.json')).body;
});
afterAll(() => api.close());

/** Every `$ref` in the document. */
function refs(node: unknown): string[] {
  if (typeof node !== 'object' || node === null) return [];
  return Object.entries(node).flatMap(([key, value]) =>
    key === '$ref' && typeof value === 'string' ? [value] : refs(value),
  );
}

function target(ref: string): unknown {
  const [root, ...keys] = ref.split('/');
  expect(root).toBe('#');
  return keys.reduce((node: unknown, key) => (node as Node | undefined)?.[key], document);
}

describe('the AsyncAPI document', () => {
  it('is what the official schema of AsyncAPI 3.0 allows, and nothing else is', () => {
    // It brings the schema of schemas along, which is Ajv's own otherwise.
    const own = { meta: false, validateSchema: false, strict: false, validateFormats: false };
    const isValid = new Ajv(own).compile(specs.schemas['3.0.0'] as object);
    isValid(document);
    expect(isValid.errors).toBeNull();
    const { sendEvents } = document.operations;
    const wrong = { ...document, operations: { sendEvents: { ...sendEvents, action: 'publish' } } };
    expect(isValid(wrong)).toBe(false);
    expect(isValid({ ...document, topics: {} })).toBe(false);
    const { payload: _, ...message } = document.components.messages.JobSubmitted;
    const messages = { JobSubmitted: { ...message, payloads: {} } };
    expect(isValid({ ...document, components: { messages } })).toBe(false);
  });

  it('is AsyncAPI 3 with the version of this build', () => {
    expect(document).toMatchObject({
      asyncapi: '3.0.0',
      info: { title: 'Daybook', version: '0.0.0-test' },
      defaultContentType: 'application/cloudevents+json',
    });
  });

  it('has a message with a schema for every event type, and the three signals', () => {
    const messages = Object.keys(document.channels.events.messages);
    expect(messages.toSorted()).toEqual([...eventTypes, 'caught-up', 'gap', 'reset'].toSorted());
    for (const type of eventTypes) {
      const message = document.components.messages[type];
      expect(message.name).toBe(cloudEventType(type, 1));
      expect(message.traits).toEqual([{ $ref: '#/components/messageTraits/cloudEvent' }]);
      expect(document.components.schemas[`${type}Data`].type).toBe('object');
    }
  });

  it('has the attributes of CloudEvents 1.0 as headers', () => {
    const { properties, required } = document.components.schemas.CloudEventAttributes;
    expect(required).toEqual(expect.arrayContaining(['specversion', 'id', 'source', 'type']));
    for (const name of Object.keys(properties)) expect(name).toMatch(/^[a-z0-9]{1,20}$/);
  });

  it('leads every reference to something', () => {
    const found = refs(document);
    expect(found.length).toBeGreaterThan(50);
    for (const ref of found) expect([ref, target(ref)]).not.toEqual([ref, undefined]);
  });
});

describe('its schemas', () => {
  it('fit the events of a log, to the last field', async () => {
    await submitMany(api.db, 2, { tags: ['a'], uniqueKey: undefined, maxAttempts: 1 });
    const [job] = await claim(api.db, await api.db.openSession());
    const failure = {
      jobId: job?.id,
      leaseToken: job?.leaseToken,
      error: { name: 'E', message: 'm' },
    };
    await api.post('/v1/claims/fail', { items: [failure] });
    await api.post('/v1/queues/default/pause', { reason: 'test' });
    await sequenceAll(api.db.database);
    const { data } = (await api.get('/v1/events')).body as { data: { type: string; data: Node }[] };
    const seen = new Set<EventType>();
    for (const { type, data: said } of data) {
      const known = eventTypes.find((each) => cloudEventType(each, 1) === type) as EventType;
      seen.add(known);
      const schema = z.strictObject(eventDataSchemas[known].shape);
      expect([type, schema.safeParse(said).error]).toEqual([type, undefined]);
    }
    for (const type of ['JobSubmitted', 'JobClaimed', 'JobFailed', 'JobDead', 'QueuePaused']) {
      expect([...seen]).toContain(type);
    }
  });
});
