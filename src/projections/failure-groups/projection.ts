import type { Projection } from '../../consumers/consumer.ts';
import { failureGroupsTable, keepFailureGroups } from './table.ts';

/** What jobs fail with, the same errors together. */
export const failureGroups: Projection = {
  name: 'failure-groups',
  version: 1,
  everyMs: 250,
  tables: [failureGroupsTable],
  upkeep: (place) => [keepFailureGroups(place)],
};
