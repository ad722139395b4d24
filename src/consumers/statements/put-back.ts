import { defineStatement } from '../../store/statement.ts';

/**
 * Puts a build whose checkpoint is ahead of the log back to its end, and stops it there: what it has
 * kept is wrong, and another build takes its place. Locks: the checkpoint row.
 */
export const putBack = defineStatement<
  {
    readonly name: string;
    readonly build: number;
    readonly position: bigint;
    readonly failure: unknown;
  },
  never
>({
  name: 'put-back',
  sql: (schema) => `
    update ${schema}.consumer_checkpoints
    set position = $3, halted = 'failed', failure = $4::jsonb
    where name = $1 and build = $2`,
  values: ({ name, build, position, failure }) => [name, build, position, JSON.stringify(failure)],
});
