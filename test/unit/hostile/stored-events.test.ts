import fc from 'fast-check';
import { expect, it } from 'vitest';
import { CorruptStream } from '../../../src/domain/corrupt-stream.ts';
import { cloudEventOf } from '../../../src/domain/cloud-event.ts';
import { eventTypeCodes, type RecordedEvent } from '../../../src/domain/event-types.ts';
import type { RecordedJobEvent } from '../../../src/domain/job/events.ts';
import { evolveJob } from '../../../src/domain/job/evolve.ts';
import type { JobState } from '../../../src/domain/job/state.ts';
import {
  evolveQueue,
  type QueueState,
  type RecordedQueueEvent,
} from '../../../src/domain/queue/queue.ts';
import { decodeEvent } from '../../../src/store/event-codec.ts';
import type { EventRow } from '../../../src/store/statements/read-streams.ts';
import { FUZZ_SEED } from '../../support/fuzz-settings.ts';
import { hostileText, hostileValue } from '../../support/hostile-values.ts';

const runs = { seed: FUZZ_SEED, numRuns: 1_000 };
const streamId = '0198e0f2-6f2c-7cc3-98c1-2f5d4c1a7b11';

/** The names of what events hold, so that data is of the right shape here and there. */
const fields = [
  'attempt',
  'changes',
  'error',
  'leaseToken',
  'reason',
  'revived',
  'runAtMs',
  'settings',
  'to',
];
const data = fc.oneof(
  { weight: 1, arbitrary: hostileValue },
  { weight: 3, arbitrary: fc.dictionary(fc.constantFrom(...fields), hostileValue) },
);

/** What might stand in the columns of a log that was tampered with, or written by another version. */
const row = fc.record({
  stream_id: fc.constant(streamId),
  version: fc.integer({ min: 1, max: 3 }),
  position: fc.option(fc.bigInt({ min: 1n, max: 2n ** 63n - 1n })),
  epoch: fc.nat(),
  type: fc.oneof(fc.constantFrom(...Object.values(eventTypeCodes)), fc.integer()),
  schema_version: fc.nat(3),
  occurred_at: fc.integer({ min: 0, max: 253_402_300_799_000 }),
  data,
  queue: hostileText,
  job_type: fc.option(hostileText),
  tags: fc.option(fc.array(hostileText, { maxLength: 3 })),
  elapsed_ms: fc.option(fc.nat()),
  actor: fc.option(hostileText),
  causation: fc.option(hostileText),
  correlation: fc.option(hostileText),
});

function decoded(stored: object): RecordedEvent | undefined {
  return decodeEvent(stored as unknown as EventRow);
}

it('whatever stands in a row is an event, or nothing that this version knows', () => {
  const property = fc.property(row, (stored) => {
    const event = decoded(stored);
    if (event === undefined) return;
    expect(Object.hasOwn(eventTypeCodes, event.type)).toBe(true);
    expect(typeof event.data).toBe('object');
    const told = { id: 'x', installation: 'daybook', time: 'now' };
    const shown = cloudEventOf({ ...event, position: event.position ?? 1n }, told);
    expect(JSON.stringify(shown)).not.toContain('"leaseToken":"');
    expect(Object.keys(shown.data)).not.toContain('leaseToken');
  });
  fc.assert(property, runs);
});

it.each([null, undefined])('data that is %s is that of an event that says nothing', (nothing) => {
  const property = fc.property(row, (stored) => {
    const event = decoded({ ...stored, type: eventTypeCodes.JobCancelled, data: nothing });
    expect(event?.data).toEqual({});
  });
  fc.assert(property, { ...runs, numRuns: 10 });
});

it.each([['text'], [7], [true], [[]], [[1]]])('data that is %j is that of no event', (wrong) => {
  const property = fc.property(row, (stored) => {
    const type = eventTypeCodes.JobCancelled;
    expect(decoded({ ...stored, type, data: wrong })).toBeUndefined();
  });
  fc.assert(property, { ...runs, numRuns: 10 });
});

it('a stream of anything is folded, or said to be corrupt', () => {
  const property = fc.property(fc.array(row, { maxLength: 6 }), fc.boolean(), (rows, inOrder) => {
    let job: JobState | null = null;
    let queue: QueueState | null = null;
    try {
      for (const [index, stored] of rows.entries()) {
        const event = decoded(inOrder ? { ...stored, version: index + 1 } : stored);
        if (event === undefined) continue;
        if (event.type.startsWith('Queue')) queue = evolveQueue(queue, event as RecordedQueueEvent);
        else job = evolveJob(job, event as RecordedJobEvent);
      }
    } catch (error) {
      expect(error).toBeInstanceOf(CorruptStream);
      expect(error).toMatchObject({ streamId, message: expect.stringContaining('is corrupt') });
    }
  });
  fc.assert(property, runs);
});

it('an event of another shape than its type has makes a stream corrupt, not the process', () => {
  const birth = { ...blank, version: 1, type: eventTypeCodes.JobSubmitted, data: { type: 'x' } };
  const job = evolveJob(null, decoded(birth) as RecordedJobEvent);
  for (const [type, wrong] of [
    ['JobEdited', {}],
    ['JobEdited', { changes: null }],
    ['JobRetried', { revived: null }],
  ] as const) {
    const next = { ...blank, version: 2, type: eventTypeCodes[type], data: wrong };
    const fold = () => evolveJob(job, decoded(next) as RecordedJobEvent);
    expect(fold).toThrow(CorruptStream);
    expect(fold).toThrow(`Stream ${streamId} is corrupt: ${type} at version 2 is not to be read.`);
  }
});

const blank = {
  stream_id: streamId,
  position: 1n,
  epoch: 1,
  schema_version: 1,
  occurred_at: 7,
  queue: 'default',
  job_type: 'x',
  tags: null,
  elapsed_ms: null,
  actor: null,
  causation: null,
  correlation: null,
};
