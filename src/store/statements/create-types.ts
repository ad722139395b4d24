import { defineStatement } from '../statement.ts';
import type { TypeRow } from './find-types.ts';

/** Names types that have no number yet. Called only after a SELECT found a name missing. */
export const createTypes = defineStatement<
  { readonly tenantId: number; readonly names: readonly string[] },
  TypeRow
>({
  name: 'create-types',
  sql: (schema) => `
    insert into ${schema}.job_types (tenant_id, name)
    select $1, name from unnest($2::text[]) as n (name) order by name
    on conflict (tenant_id, name) do nothing
    returning id, name`,
  values: ({ tenantId, names }) => [tenantId, names],
});
