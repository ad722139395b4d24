import { defineStatement } from '../../statement.ts';

/**
 * Up to which id the next chunk goes: no table has more than `rows` jobs in it. Null: to the end.
 * Locks: none. Indexes: the primary keys of the tables.
 */
export const readChunkEnd = defineStatement<
  { readonly after: string; readonly rows: number },
  { up_to: string | null }
>({
  name: 'read-chunk-end',
  sql: (schema) => {
    const last = (table: string, id: string) => `
      (select id from (
        select ${id} as id, row_number() over (order by ${id}) as n from ${schema}.${table}
        where ${id} > $1 order by ${id} limit $2
      ) few where n = $2)`;
    return `
    select least(${last('job_payloads', 'job_id')}, ${last('job_claims', 'id')},
      ${last('dead_jobs', 'job_id')}) as up_to`;
  },
  values: ({ after, rows }) => [after, rows],
});
