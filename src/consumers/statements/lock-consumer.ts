import { defineStatement } from '../../store/statement.ts';

/**
 * Keeps others from making or ending builds of a consumer until the transaction ends; those that read
 * and move checkpoints go on. Locks: an advisory lock of the transaction, on schema and name.
 */
export const lockConsumer = defineStatement<{ readonly name: string }, never>({
  name: 'lock-consumer',
  sql: (schema) => `
    select pg_advisory_xact_lock(hashtextextended('${schema.replaceAll("'", "''")}.' || $1, 1))`,
  values: ({ name }) => [name],
});
