import { expect, it } from 'vitest';
import { createKurrentTarget } from '../../../src/relay/target/kurrent-target.ts';

const dialect = { expectedOption: 'streamState' as const, jsonEvent: (event: unknown) => event };
const nothing = () => ({
  [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new Error('not read here')) }),
});

/** A target whose client fails to append. */
function targetThatFails(thrown: unknown) {
  return createKurrentTarget({
    client: {
      appendToStream: () => Promise.reject(thrown),
      readStream: nothing,
      readAll: nothing,
      dispose: () => Promise.resolve(),
    },
    dialect,
  });
}

it.each([
  // Who is not known may be known once the password is put right; who may not write to a stream may not.
  [
    { type: 'access-denied', code: 16 },
    { kind: 'transient', reason: 'access-denied' },
  ],
  [
    { type: 'access-denied', code: 7 },
    { kind: 'refused', reason: 'access-denied' },
  ],
  [{ type: 'stream-deleted', code: 9 }, { kind: 'refused' }],
  [{ type: 'unknown', code: 2 }, { kind: 'transient' }],
  [
    { type: 'wrong-expected-version', actualVersion: 4n },
    { kind: 'wrong-version', actual: 4n },
  ],
  [{ type: 'wrong-expected-version', actualState: 'no_stream' }, { actual: null }],
  [new Error('what else'), { kind: 'transient', reason: 'unknown', message: 'what else' }],
])('an append that fails with %o', async (error, failure) => {
  const append = targetThatFails(error).append('job-1', [], 'no-stream');
  await expect(append).rejects.toMatchObject(failure);
});
