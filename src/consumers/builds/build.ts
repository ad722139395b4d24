import type { ReadModelPlace } from '../consumer.ts';

/** One build of a consumer, as its checkpoint has it. */
export interface Build {
  readonly name: string;
  readonly build: number;
  readonly version: number;
  readonly role: 'live' | 'building';
  readonly position: bigint;
  readonly halted: 'paused' | 'failed' | null;
  /** Of a read model; null for consumers written in TypeScript. */
  readonly tables: readonly string[] | null;
  readonly upkeep: readonly string[] | null;
}

/** The name of a build's table, without the schema. */
export function tableOfBuild(table: string, build: number): string {
  return `${table}_${build}`;
}

/** @param schema the quoted schema */
export function placeOf(schema: string, build: number): ReadModelPlace {
  return { schema, table: (name) => `${schema}.${tableOfBuild(name, build)}` };
}
