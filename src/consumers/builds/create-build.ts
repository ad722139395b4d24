import type { Client } from '../../store/database.ts';
import type { Executor } from '../../store/statement.ts';
import { readHead } from '../../store/statements/read-head.ts';
import { type Consumer, isProjection } from '../consumer.ts';
import { createCheckpoint } from '../statements/create-checkpoint.ts';
import { endBuild } from '../statements/end-build.ts';
import { runText } from '../statements/run-text.ts';
import { type Build, placeOf, tableOfBuild } from './build.ts';

/** A transaction in which builds are made and ended. */
export interface BuildTransaction {
  readonly tx: Executor;
  readonly client: Client;
  /** The quoted schema. */
  readonly schema: string;
}

/** Makes a build of a consumer as its code has it now: its checkpoint, and its tables. */
export async function createBuild(
  { tx, client, schema }: BuildTransaction,
  consumer: Consumer,
  build: number,
  role: 'live' | 'building',
): Promise<Build> {
  const { name, version } = consumer;
  const made = { name, build, version, role, halted: null };
  if (!isProjection(consumer)) {
    const now = consumer.from === 'now' && role === 'live';
    const position = now ? ((await tx.run(readHead, {}))[0]?.position ?? 0n) : 0n;
    const created = { ...made, position, tables: null, upkeep: null };
    await tx.run(createCheckpoint, created);
    await consumer.prepare?.(client);
    return created;
  }
  const place = placeOf(schema, build);
  const created = {
    ...made,
    position: 0n,
    tables: consumer.tables.map((table) => table.name),
    upkeep: consumer.upkeep(place),
  };
  await tx.run(createCheckpoint, created);
  for (const table of consumer.tables) {
    const texts = table.create(place.table(table.name), tableOfBuild(table.name, build));
    for (const text of texts) await runText(client, text);
  }
  return created;
}

/** Ends a build: its checkpoint, what it has parked, its tables. */
export async function dropBuild(
  { tx, client, schema }: BuildTransaction,
  { name, build, tables }: Build,
): Promise<void> {
  await tx.run(endBuild, { name, build });
  for (const table of tables ?? []) {
    await runText(client, `drop table if exists ${placeOf(schema, build).table(table)}`);
  }
}
