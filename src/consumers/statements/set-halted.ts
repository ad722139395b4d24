import { defineStatement } from '../../store/statement.ts';

/**
 * Pauses a build, or lets it go on. One that is ahead of the log goes on from its end; but a read model
 * stays, as no going on makes it right. No row: there is no such build. Locks: the checkpoint row.
 */
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
    update ${schema}.consumer_checkpoints c
    set halted = $3::text, failure = case when $3::text is null then null else c.failure end,
        position = case when $3::text is null and c.tables is null
          then least(c.position, (select h.position from ${schema}.log_head h)) else c.position end
    where c.name = $1 and c.role = $2
    returning c.build`,
  values: ({ name, role, halted }) => [name, role, halted],
});
