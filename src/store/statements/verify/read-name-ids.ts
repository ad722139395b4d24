import { defineStatement } from '../../statement.ts';

export interface NameIdRow {
  readonly what: 'queue' | 'type';
  readonly id: number;
  readonly tenant_id: number;
  readonly name: string;
}

/** The names behind all numbers of queues and types. Locks: none. */
export const readNameIds = defineStatement<Record<string, never>, NameIdRow>({
  name: 'read-name-ids',
  sql: (schema) => `
    select 'queue' as what, id, tenant_id, name from ${schema}.queues
    union all
    select 'type', id, tenant_id, name from ${schema}.job_types`,
  values: () => [],
});
