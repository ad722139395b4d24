import { describe, expect, it } from 'vitest';
import { CorruptStream } from '../../../src/domain/corrupt-stream.ts';
import { evolveJob } from '../../../src/domain/job/evolve.ts';
import { recordEvents } from '../../../src/testing/given-when-then.ts';
import { submitted } from './job-fixtures.ts';

const [birth, edit] = recordEvents([
  submitted(),
  // As it might stand in a log that somebody has written into.
  { type: 'JobEdited', data: { changes: null, reason: null } } as never,
]);

/** What the fold says to an event of another shape than its type has. */
function refusal(): CorruptStream {
  try {
    evolveJob(evolveJob(null, birth as never), edit as never);
  } catch (error) {
    return error as CorruptStream;
  }
  throw new Error('it was folded');
}

describe('a corrupt stream', () => {
  it('is an error of its own kind, with the place of the first event that does not fit', () => {
    expect(refusal()).toBeInstanceOf(CorruptStream);
    expect(refusal()).toMatchObject({
      name: 'CorruptStream',
      streamId: birth?.streamId,
      version: 2,
      message: `Stream ${birth?.streamId} is corrupt: JobEdited at version 2 is not to be read.`,
    });
  });

  it('keeps what led to it, where anything did', () => {
    expect(refusal().cause).toBeInstanceOf(TypeError);
    expect(Object.hasOwn(new CorruptStream(birth as never, 'wrong'), 'cause')).toBe(false);
  });
});
