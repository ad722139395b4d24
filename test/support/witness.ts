import type { TestDatabase } from './test-database.ts';

/** An event as the inbox took it. */
export interface WitnessedEvent {
  readonly seq: bigint;
  readonly stream_id: string;
  readonly version: number;
}

/**
 * What was committed to the inbox, kept apart by a trigger in the same transaction: an independent
 * record of what the log must hold, under the numbers that were drawn when each was written.
 */
export interface Witness {
  /** What a reader sees that goes on after the highest number it saw. */
  after(seq: bigint): Promise<WitnessedEvent[]>;
  all(): Promise<WitnessedEvent[]>;
}

export async function callWitness({ database, schema }: TestDatabase): Promise<Witness> {
  await database.pool.query(`
    create table ${schema}.witness (
      seq bigint primary key, stream_id uuid not null, version integer not null);
    create function ${schema}.bear_witness() returns trigger language plpgsql as $$
    begin
      insert into ${schema}.witness select seq, stream_id, version from written;
      return null;
    end
    $$;
    create trigger witnessed after insert on ${schema}.event_inbox referencing new table as written
      for each statement execute function ${schema}.bear_witness();`);
  const after = (seq: bigint) =>
    database.run<null, WitnessedEvent>(
      {
        name: 'witness',
        sql: () => `select seq, stream_id, version from ${schema}.witness where seq > $1
          order by seq`,
        values: () => [seq],
      },
      null,
    );
  return { after, all: () => after(0n) };
}

/** Names one event, to compare lists of them. */
export function nameOf({ stream_id, version }: Pick<WitnessedEvent, 'stream_id' | 'version'>) {
  return `${stream_id} ${version}`;
}
