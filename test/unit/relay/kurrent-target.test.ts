import { expect, it } from 'vitest';
import {
  createKurrentTarget,
  type KurrentClient,
} from '../../../src/relay/target/kurrent-target.ts';

const dialect = { expectedOption: 'streamState' as const, jsonEvent: (event: unknown) => event };
const nothing = () => ({
  [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new Error('not read here')) }),
});

/** A target whose client fails to append. */
function targetThatFails(thrown: unknown) {
  return targetOf(() => Promise.reject(thrown));
}

function targetOf(appendToStream: KurrentClient['appendToStream']) {
  const dispose = () => Promise.resolve();
  const client = { appendToStream, readStream: nothing, readAll: nothing, dispose };
  return createKurrentTarget({ client, dialect });
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
  [
    new Error('No connection.\n  Tried: a\nResolution note: '),
    { message: 'No connection. Tried: a' },
  ],
])('an append that fails with %o', async (error, failure) => {
  const append = targetThatFails(error).append('job-1', [], 'no-stream');
  await expect(append).rejects.toMatchObject(failure);
});

it('an append that the target has put elsewhere is of a wrong version', async () => {
  const target = targetOf(() => Promise.resolve({ nextExpectedRevision: 5n }));
  const event = { id: 'a', type: 'A', data: {}, metadata: {} };
  await target.append('job-1', [event, event], 3n);
  await expect(target.append('job-1', [event], 'no-stream')).rejects.toMatchObject({
    kind: 'wrong-version',
    reason: 'other-revision',
    actual: 5n,
  });
  await targetOf(() => Promise.resolve({})).append('job-1', [event], 'no-stream');
});
