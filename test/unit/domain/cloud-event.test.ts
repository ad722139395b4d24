import { describe, expect, it } from 'vitest';
import { cloudEventOf, cloudEventType } from '../../../src/domain/cloud-event.ts';
import { eventTypes, type RecordedEvent } from '../../../src/domain/event-types.ts';
import { eventId } from '../../../src/kernel/ids.ts';

const streamId = '01a20140-a356-775a-94ad-ec0098a8355a';
const recorded = {
  streamId,
  version: 2,
  position: 42n,
  epoch: 3,
  schemaVersion: 1,
  occurredAtMs: 0,
  queue: 'mail',
  jobType: 'send',
  tags: ['a,b', 'c'],
  elapsedMs: 12,
  actor: 'ada',
  causation: 'request-1',
  correlation: 'order-1',
};
const claimed = {
  ...recorded,
  type: 'JobClaimed',
  data: { attempt: 1, session: 's', leaseToken: 'secret' },
} as RecordedEvent & { position: bigint };
const given = { id: 'the-id', installation: 'daybook', time: '1970-01-01T00:00:00.000Z' };

describe('an event as CloudEvents tells it', () => {
  it('has the attributes of the specification, and those of the log as extensions', () => {
    expect(cloudEventOf(claimed, given)).toEqual({
      specversion: '1.0',
      id: 'the-id',
      source: '/daybook/daybook/mail',
      type: 'dev.daybook.job.claimed.v1',
      subject: streamId,
      time: '1970-01-01T00:00:00.000Z',
      datacontenttype: 'application/json',
      sequence: '0000000000000000042',
      partitionkey: streamId,
      streamversion: 2,
      epoch: 3,
      queue: 'mail',
      jobtype: 'send',
      tags: '["a,b","c"]',
      elapsedms: 12,
      correlationid: 'order-1',
      causationid: 'request-1',
      authtype: 'unknown',
      authid: 'ada',
      data: { attempt: 1, session: 's' },
    });
  });

  it('gives away no lease token', () => {
    expect(JSON.stringify(cloudEventOf(claimed, given))).not.toContain('secret');
  });

  it('names its attributes as the specification wants them', () => {
    for (const name of Object.keys(cloudEventOf(claimed, given))) {
      expect(name).toMatch(/^[a-z0-9]{1,20}$/);
    }
  });

  it('leaves out what there is not', () => {
    const created = {
      ...recorded,
      jobType: null,
      tags: [],
      elapsedMs: null,
      actor: null,
      causation: null,
      correlation: null,
      type: 'QueueCreated',
      data: { name: 'mail' },
    } as RecordedEvent & { position: bigint };
    const cloud = cloudEventOf(created, given);
    expect(cloud).toMatchObject({ subject: 'mail', authtype: 'system' });
    expect(cloud.data).toEqual({ name: 'mail' });
    for (const absent of ['jobtype', 'tags', 'elapsedms', 'authid', 'correlationid']) {
      expect(cloud).not.toHaveProperty(absent);
    }
    expect(cloud).not.toHaveProperty('causationid');
  });
});

describe('its type', () => {
  it('is told apart for each event', () => {
    expect(new Set(eventTypes.map((type) => cloudEventType(type, 1))).size).toBe(eventTypes.length);
    expect(cloudEventType('JobCancelRequested', 1)).toBe('dev.daybook.job.cancel-requested.v1');
    expect(cloudEventType('PayloadErased', 2)).toBe('dev.daybook.job.payload-erased.v2');
    expect(cloudEventType('QueueConfigured', 1)).toBe('dev.daybook.queue.configured.v1');
  });
});

describe('its id', () => {
  it('is a UUIDv5 of stream, epoch and version', () => {
    const id = eventId(streamId, 1, 2);
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(eventId(streamId, 1, 2)).toBe(id);
    expect(new Set([id, eventId(streamId, 1, 3), eventId(streamId, 2, 2)]).size).toBe(3);
  });
});
