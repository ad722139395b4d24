import { defineStatement } from '../statement.ts';

export interface TypeRow {
  readonly id: number;
  readonly name: string;
}

/** Job types by name or by id, or all of a tenant (10,000 at most) for null. Locks: none. */
export const findTypes = defineStatement<
  {
    readonly tenantId: number;
    readonly names: readonly string[] | null;
    readonly ids: readonly number[];
  },
  TypeRow
>({
  name: 'find-types',
  sql: (schema) => `
    select id, name from ${schema}.job_types
    where tenant_id = $1 and ($2::text[] is null or name = any ($2) or id = any ($3::int[]))
    limit 10000`,
  values: ({ tenantId, names, ids }) => [tenantId, names, ids],
});
