import { defineStatement } from '../../statement.ts';

/** What the database says the numbers of event types mean. Locks: none. */
export const listEventTypes = defineStatement<
  Record<string, never>,
  { code: number; name: string }
>({
  name: 'list-event-types',
  sql: (schema) => `select code, name from ${schema}.event_types order by code`,
  values: () => [],
});
