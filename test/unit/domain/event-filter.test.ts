import { describe, expect, it } from 'vitest';
import {
  type EventFilter,
  eventMatcher,
  letsAllThrough,
} from '../../../src/domain/event-filter.ts';

const event = {
  type: 'JobFailed',
  streamId: 'job-1',
  queue: 'mail',
  jobType: 'send',
  tags: ['a', 'b'],
  correlation: 'order-1',
};

const fits = (filter: EventFilter) => eventMatcher(filter)(event);

describe('a filter', () => {
  it.each<EventFilter>([
    {},
    { eventTypes: [] },
    { eventTypes: ['JobDead', 'JobFailed'] },
    { queues: ['mail'] },
    { jobTypes: ['send', 'other'] },
    { jobs: ['job-1'] },
    { tags: ['b', 'c'] },
    { correlations: ['order-1'] },
    { queues: ['mail'], tags: ['a'], eventTypes: ['JobFailed'] },
  ])('%j fits', (filter) => {
    expect(fits(filter)).toBe(true);
  });

  it.each<EventFilter>([
    { eventTypes: ['JobDead'] },
    { queues: ['nothing-bears-this'] },
    { jobTypes: ['mail'] },
    { jobs: ['job-2'] },
    { tags: ['c'] },
    { correlations: ['order-2'] },
    { queues: ['mail'], tags: ['c'] },
  ])('%j does not', (filter) => {
    expect(fits(filter)).toBe(false);
  });

  it('for types of jobs, correlations or tags fits no event that has none', () => {
    const bare = { ...event, jobType: null, correlation: null, tags: [] };
    for (const filter of [{ jobTypes: ['null'] }, { correlations: ['null'] }, { tags: [''] }]) {
      expect(eventMatcher(filter)(bare)).toBe(false);
    }
  });
});

describe('a filter that holds nothing back', () => {
  it.each<[EventFilter, boolean]>([
    [{}, true],
    [{ queues: undefined }, true],
    [{ queues: [], tags: [] }, true],
    [{ queues: ['mail'] }, false],
    [{ queues: [], tags: ['a'] }, false],
    [{ queues: ['mail'], tags: undefined }, false],
  ])('%j: %j', (filter, holdsNothing) => {
    expect(letsAllThrough(filter)).toBe(holdsNothing);
  });
});
