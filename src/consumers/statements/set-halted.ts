import { defineStatement } from '../../store/statement.ts';

/** Pauses a build, or lets it go on. No row: there is no such build. Locks: the checkpoint row. */
export const setHalted = defineStatement<
  {
    readonly name: string;
    readonly role: 'live' | 'building';
    readonly halted: 'paused' | null;
  },
  { build: number }
>({
  name: 'set-halted',
  sql: (schema) => `
    update ${schema}.consumer_checkpoints
    set halted = $3::text, failure = case when $3::text is null then null else failure end
    where name = $1 and role = $2
    returning build`,
  values: ({ name, role, halted }) => [name, role, halted],
});
