import type pg from 'pg';

/** An event as it was committed to the inbox, kept apart by a trigger; see world.ts. */
export interface WitnessedEvent {
  readonly seq: bigint;
  readonly stream_id: string;
  readonly version: number;
}

const PAGE = 5_000;

/** What was witnessed with a number above this one, by number. */
export async function readWitness(pool: pg.Pool, after: bigint): Promise<WitnessedEvent[]> {
  const { rows } = await pool.query<{ seq: string; stream_id: string; version: number }>(
    `select seq, stream_id, version from daybook.chaos_witness where seq > $1
     order by seq limit ${PAGE}`,
    [String(after)],
  );
  return rows.map((row) => ({ ...row, seq: BigInt(row.seq) }));
}

/** Names one event. */
export function nameOf({ stream_id, version }: Omit<WitnessedEvent, 'seq'>): string {
  return `${stream_id} ${version}`;
}
