import { defineStatement } from '../statement.ts';

export interface TypeRow {
  readonly id: number;
  readonly name: string;
}

/** Job types by name or by id. Locks: none. */
export const findTypes = defineStatement<
  { readonly tenantId: number; readonly names: readonly string[]; readonly ids: readonly number[] },
  TypeRow
>({
  name: 'find-types',
  sql: (schema) => `
    select id, name from ${schema}.job_types
    where tenant_id = $1 and (name = any ($2::text[]) or id = any ($3::int[]))`,
  values: ({ tenantId, names, ids }) => [tenantId, names, ids],
});
