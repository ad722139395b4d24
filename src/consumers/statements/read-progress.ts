import { defineStatement } from '../../store/statement.ts';

/** How far a consumer has read, and how far it could. Locks: none. */
export const readProgress = defineStatement<
  { readonly name: string; readonly version: number },
  { position: bigint; head: bigint }
>({
  name: 'read-progress',
  sql: (schema) => `
    select c.position, coalesce((select h.position from ${schema}.log_head h), 0) as head
    from ${schema}.consumer_checkpoints c
    where c.name = $1 and c.version = $2`,
  values: ({ name, version }) => [name, version],
});
