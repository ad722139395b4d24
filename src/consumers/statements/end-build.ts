import { defineStatement } from '../../store/statement.ts';

/** Forgets a build: its checkpoint and what it has parked. Locks: those rows. */
export const endBuild = defineStatement<{ readonly name: string; readonly build: number }, never>({
  name: 'end-build',
  sql: (schema) => `
    with forgotten as (
      delete from ${schema}.parked_events where consumer = $1 and build = $2
    )
    delete from ${schema}.consumer_checkpoints where name = $1 and build = $2`,
  values: ({ name, build }) => [name, build],
});
