import { expect } from 'vitest';

/** Asks again until the matcher is content: for what others do in their own time. */
export function expectSoon<Value>(read: () => Value) {
  return expect.poll(read);
}
