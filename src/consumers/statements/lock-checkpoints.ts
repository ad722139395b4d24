import { defineStatement } from '../../store/statement.ts';
import type { Build } from '../builds/build.ts';

/**
 * Every build of a consumer, held still until the transaction ends: nothing is applied meanwhile.
 * Locks: their checkpoint rows FOR UPDATE, in the order of builds.
 */
export const lockCheckpoints = defineStatement<{ readonly name: string }, Build>({
  name: 'lock-checkpoints',
  sql: (schema) => `
    select c.name, c.build, c.version, c.role, c.position, c.halted, c.tables, c.upkeep
    from ${schema}.consumer_checkpoints c
    where c.name = $1 order by c.build for update`,
  values: ({ name }) => [name],
});
