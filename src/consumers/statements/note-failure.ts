import { defineStatement } from '../../store/statement.ts';

/**
 * Notes why a build does not get on, and halts it where that is its policy; cleared by its next move.
 * Nothing happens if it stands elsewhere by now. Locks: the checkpoint row.
 */
export const noteFailure = defineStatement<
  {
    readonly name: string;
    readonly build: number;
    readonly after: bigint;
    readonly halt: boolean;
    readonly failure: unknown;
  },
  never
>({
  name: 'note-failure',
  sql: (schema) => `
    update ${schema}.consumer_checkpoints
    set failure = $5::jsonb, halted = case when $4 then 'failed' else halted end
    where name = $1 and build = $2 and position = $3`,
  values: ({ name, build, after, halt, failure }) => [
    name,
    build,
    after,
    halt,
    JSON.stringify(failure),
  ],
});
