import { describe, expect, it } from 'vitest';
import { eventTypes } from '../../../src/domain/event-types.ts';
import { decodeEvent } from '../../../src/store/event-codec.ts';

/** A JobSubmitted, as the log has it. */
const row = {
  position: 7n,
  stream_id: '01890a5d-ac96-774b-bcce-b302099a8057',
  version: 1,
  type: 1,
  schema_version: 1,
  epoch: 2,
  occurred_at: 1_700_000_000_000,
  queue: 'default',
  job_type: 'greet',
  tags: ['a'],
  elapsed_ms: null,
  data: { priority: 4 },
  actor: 'somebody',
  causation: null,
  correlation: 'order-7',
};

describe('a row of the log', () => {
  it('is the event that it stands for', () => {
    expect(decodeEvent(row)).toStrictEqual({
      type: eventTypes[0],
      data: { priority: 4 },
      streamId: row.stream_id,
      version: 1,
      position: 7n,
      epoch: 2,
      schemaVersion: 1,
      occurredAtMs: row.occurred_at,
      queue: 'default',
      jobType: 'greet',
      tags: ['a'],
      elapsedMs: null,
      actor: 'somebody',
      causation: null,
      correlation: 'order-7',
    });
  });

  it('says nothing by null where there are neither data nor tags', () => {
    expect(decodeEvent({ ...row, data: null, tags: null })).toMatchObject({ data: {}, tags: [] });
  });

  it('is no event of a type that this version does not know', () => {
    expect(decodeEvent({ ...row, type: 32_000 })).toBeUndefined();
  });

  it.each([[[1, 2]], ['text'], [3], [true]])('is no event with the data %j', (data) => {
    expect(decodeEvent({ ...row, data: data as never })).toBeUndefined();
  });
});
