import { defineStatement } from '../statement.ts';

/**
 * Raises every sequence that is behind the numbers in its table, as logical replication and dumps of
 * data alone leave it: a number drawn twice is refused, and an inbox number that is lower than one
 * already there would put versions of a stream in the wrong order. Called with the head row locked, so
 * that one at a time does it; a sequence that is not behind is not touched.
 * Locks: none of its own. Indexes: the primary keys.
 */
export const raiseSequences = defineStatement<Record<string, never>, { most: bigint }>({
  name: 'raise-sequences',
  sql: (schema) => `
    select setval(used.sequence, used.most) as most
    from (${numbered
      .map(
        ([table, column]) => `
      select pg_get_serial_sequence('${schema}.${table}', '${column}')::regclass as sequence,
        (select max(${column})::bigint from ${schema}.${table}) as most`,
      )
      .join(' union all ')}
    ) used
    where used.most > coalesce(pg_sequence_last_value(used.sequence), 0)`,
  values: () => [],
});

/** Every identity column there is; a test compares this list with the schema. */
const numbered: readonly (readonly [table: string, column: string])[] = [
  ['event_inbox', 'seq'],
  ['tenants', 'id'],
  ['queues', 'id'],
  ['job_types', 'id'],
  ['rejected_outcomes', 'id'],
  ['subscriptions', 'id'],
];
