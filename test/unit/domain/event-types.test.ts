import { describe, expect, it } from 'vitest';
import { eventTypeCodes, eventTypeOf, isEventType } from '../../../src/domain/event-types.ts';

describe('the type of an event', () => {
  it('is behind its code, each of them', () => {
    for (const [type, code] of Object.entries(eventTypeCodes)) expect(eventTypeOf(code)).toBe(type);
  });

  it.each([0, 15, 31, 36, -1, 1.5])('is not behind %d', (code) => {
    expect(eventTypeOf(code)).toBeUndefined();
  });

  it.each([
    ['JobFailed', true],
    ['QueuePaused', true],
    ['jobfailed', false],
    ['', false],
    ['toString', false],
    ['__proto__', false],
  ])('is named %s: %j', (name, isOne) => {
    expect(isEventType(name)).toBe(isOne);
  });
});
