import { defineStatement } from '../../store/statement.ts';
import type { Build } from '../builds/build.ts';

/** Every build of every consumer (or of one), by name and build. Locks: none. */
export const listBuilds = defineStatement<{ readonly name: string | null }, Build>({
  name: 'list-builds',
  sql: (schema) => `
    select c.name, c.build, c.version, c.role, c.position, c.halted, c.tables, c.upkeep
    from ${schema}.consumer_checkpoints c
    where $1::text is null or c.name = $1
    order by c.name, c.build`,
  values: ({ name }) => [name],
});
