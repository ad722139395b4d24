import { describe, expect, it } from 'vitest';
import { eventTypeCodes, eventTypeOf } from '../../../src/domain/event-types.ts';
import { defaultPriority, isName, namePattern, priorities } from '../../../src/domain/names.ts';

describe('the name of a queue or a type', () => {
  it.each([
    'a',
    'default',
    'send-email',
    'billing.invoices_v2',
    '0',
    '.a',
    'a.',
    '...',
    'x'.repeat(64),
  ])('may be %s', (name) => {
    expect(isName(name)).toBe(true);
  });

  it.each(['', 'x'.repeat(65), 'Default', 'a b', 'a/b', 'a\n', 'é', 'a:b', '\u0000'])(
    'may not be %j',
    (name) => {
      expect(isName(name)).toBe(false);
    },
  );

  it('may not be one that URLs resolve away', () => {
    expect(isName('.')).toBe(false);
    expect(isName('..')).toBe(false);
  });

  it('is held to the same pattern by schemas', () => {
    expect(namePattern.test('send-email')).toBe(true);
    expect(namePattern.test('Send Email')).toBe(false);
  });
});

describe('priorities', () => {
  it('go from 0 to 9, and the default is one of them', () => {
    expect(priorities).toStrictEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(defaultPriority).toBe(4);
  });
});

describe('the codes of event types', () => {
  // Literal, because a code on disk is never changed and never used again.
  it('are those that stand in every log so far', () => {
    expect(eventTypeCodes).toStrictEqual({
      JobSubmitted: 1,
      JobClaimed: 2,
      JobCompleted: 3,
      JobFailed: 4,
      JobRetried: 5,
      JobDead: 6,
      JobCancelled: 7,
      JobInterrupted: 8,
      JobCancelRequested: 9,
      JobSnoozed: 10,
      JobRescheduled: 11,
      JobEdited: 12,
      JobMoved: 13,
      PayloadErased: 14,
      QueueCreated: 32,
      QueuePaused: 33,
      QueueResumed: 34,
      QueueConfigured: 35,
    });
  });

  it('lead back to the type', () => {
    for (const [type, code] of Object.entries(eventTypeCodes)) expect(eventTypeOf(code)).toBe(type);
  });

  it('of a newer version are unknown, not an error', () => {
    expect(eventTypeOf(15)).toBeUndefined();
    expect(eventTypeOf(0)).toBeUndefined();
  });
});
