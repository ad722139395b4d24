import { defineStatement } from '../statement.ts';
import type { TypeRow } from './find-types.ts';

/**
 * Names types that have no number yet. Called only after a SELECT found a name missing, and after
 * `lockTenant` in the same transaction, which makes the limit exact. Locks: the rows it inserts.
 */
export const createTypes = defineStatement<
  { readonly tenantId: number; readonly names: readonly string[]; readonly maxTypes: number },
  TypeRow
>({
  name: 'create-types',
  sql: (schema) => `
    with room as (
      select $3 - count(*) as left from ${schema}.job_types where tenant_id = $1
    )
    insert into ${schema}.job_types (tenant_id, name)
    select $1, n.name from unnest($2::text[]) as n (name), room
    where cardinality($2) <= room.left
    order by n.name
    on conflict (tenant_id, name) do nothing
    returning id, name`,
  values: ({ tenantId, names, maxTypes }) => [tenantId, names, maxTypes],
});
