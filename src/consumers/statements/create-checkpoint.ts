import { defineStatement, now } from '../../store/statement.ts';

export interface CreateCheckpointParams {
  readonly name: string;
  readonly build: number;
  readonly version: number;
  readonly role: 'live' | 'building';
  readonly position: bigint;
  readonly tables: readonly string[] | null;
  readonly upkeep: readonly string[] | null;
}

/**
 * Makes the checkpoint of a build. Locks: the row it inserts. Called after `lockConsumer`, so nobody
 * makes the same one.
 */
export const createCheckpoint = defineStatement<CreateCheckpointParams, never>({
  name: 'create-checkpoint',
  sql: (schema) => `
    insert into ${schema}.consumer_checkpoints
      (name, build, version, role, position, begun_at, updated_at, tables, upkeep)
    values ($1, $2, $3, $4, $5, ${now}, ${now}, $6, $7)`,
  values: ({ name, build, version, role, position, tables, upkeep }) => [
    name,
    build,
    version,
    role,
    position,
    tables,
    upkeep,
  ],
});
