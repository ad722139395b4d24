import type { EventType } from './event-types.ts';
import type { Recorded } from './recorded.ts';

/**
 * Which events a reader wants. An event must fit every field that is given, and fits a field by being
 * any one of its values. A name that nothing bears yet fits nothing until something does.
 */
export interface EventFilter {
  readonly eventTypes?: readonly EventType[] | undefined;
  /** Names of queues: of the job at that moment, or of the queue itself. */
  readonly queues?: readonly string[] | undefined;
  /** Types of jobs; events of queues have none. */
  readonly jobTypes?: readonly string[] | undefined;
  /** Ids of jobs. */
  readonly jobs?: readonly string[] | undefined;
  /** Tags of the job at that moment. */
  readonly tags?: readonly string[] | undefined;
  /** A job that was given no correlation belongs to the chain of its own id. */
  readonly correlations?: readonly string[] | undefined;
}

/** What a filter looks at. */
export type Filterable = Pick<
  Recorded,
  'streamId' | 'queue' | 'jobType' | 'tags' | 'correlation'
> & { readonly type: string };

/** The filter as a predicate. A field with no values is as good as left out. */
export function eventMatcher(filter: EventFilter): (event: Filterable) => boolean {
  const tests: ((event: Filterable) => boolean)[] = [];
  const one = (
    values: readonly string[] | undefined,
    of: (event: Filterable) => string | null,
  ): void => {
    if (values === undefined || values.length === 0) return;
    const wanted = new Set<string | null>(values);
    tests.push((event) => wanted.has(of(event)));
  };
  one(filter.eventTypes, ({ type }) => type);
  one(filter.queues, ({ queue }) => queue);
  one(filter.jobTypes, ({ jobType }) => jobType);
  one(filter.jobs, ({ streamId }) => streamId);
  one(filter.correlations, ({ correlation, streamId }) => correlation ?? streamId);
  const { tags = [] } = filter;
  if (tags.length > 0) {
    const wanted = new Set(tags);
    tests.push((event) => event.tags.some((tag) => wanted.has(tag)));
  }
  if (tests.length === 0) return () => true;
  return (event) => tests.every((test) => test(event));
}

/** True for a filter that holds nothing back. */
export function letsAllThrough(filter: EventFilter): boolean {
  return Object.values(filter).every((values) => values === undefined || values.length === 0);
}
