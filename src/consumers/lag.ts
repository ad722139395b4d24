import type { Executor } from '../store/statement.ts';
import { type LagRow, readLag } from './statements/read-lag.ts';

/** How far a build of a consumer is behind the log, and whether it gets on. */
export interface ConsumerLag {
  readonly name: string;
  readonly build: number;
  readonly version: number;
  readonly role: 'live' | 'building';
  /** The last position it has read. */
  readonly position: bigint;
  /** The last position of the log. */
  readonly head: bigint;
  /** 0 also where the checkpoint is ahead of the log, which is a failure. */
  readonly lagEvents: bigint;
  /** For how long the first event that it has not read has been in the log; 0 when there is none. */
  readonly lagSeconds: number;
  /** It has read all there is, or has moved within the last seconds; never while it is failed. */
  readonly moving: boolean;
  /** When it last moved, in ms since the epoch by the database's clock. */
  readonly updatedAtMs: number;
  readonly begunAtMs: number;
  /** Of a build beside the live one, pauses left out; null before its first batch, and for the live one. */
  readonly eventsPerSecond: number | null;
  /** Until it has read all there is, at that speed; null where that is unknown. */
  readonly etaMs: number | null;
  readonly halted: 'paused' | 'failed' | null;
  /** Why it does not get on: a position and an error. */
  readonly failure: unknown;
  /** It keeps a read model of Daybook's, and may be built anew at any time. */
  readonly isReadModel: boolean;
}

/** Who has not moved for this long although there is something to read does not get on. */
const STILL_MS = 10_000;

/** The lag of every build of every consumer, by name and build. */
export async function listLags(database: Executor): Promise<ConsumerLag[]> {
  return (await database.run(readLag, {})).map(lagOf);
}

/** How far the live builds of consumers have read, and how far they could have. */
export interface Reached {
  /** All of them have read up to here; 0 where one has not begun. */
  readonly position: bigint;
  /** The last position of the log. */
  readonly head: bigint;
  /** When this was so, in ms since the epoch by the database's clock. */
  readonly readAtMs: number;
}

/** @param names of consumers, at least one */
export async function readReached(database: Executor, names: readonly string[]): Promise<Reached> {
  const rows = await database.run(readLag, {});
  const live = rows.filter((row) => row.role === 'live');
  const positions = names.map((name) => live.find((row) => row.name === name)?.position ?? 0n);
  return {
    position: positions.reduce((least, each) => (each < least ? each : least)),
    head: rows[0]?.head ?? 0n,
    readAtMs: rows[0]?.read_at ?? 0,
  };
}

/** What is wrong with a consumer that has read positions which the log does not have. */
export function aheadFailure(position: bigint, head: bigint) {
  return {
    name: 'CheckpointAhead',
    message: `The checkpoint (${position}) is ahead of the log, which ends at ${head}: the log was restored to an older state than the checkpoint.`,
    position: String(position),
  };
}

function lagOf(row: LagRow): ConsumerLag {
  const isAhead = row.position > row.head;
  const lagEvents = isAhead ? 0n : row.head - row.position;
  const getsOn = !isAhead && row.halted !== 'failed';
  const busyMs = Number(row.busy_ms);
  const perMs = row.role === 'live' || busyMs === 0 ? null : Number(row.position) / busyMs;
  return {
    name: row.name,
    build: row.build,
    version: row.version,
    role: row.role,
    position: row.position,
    head: row.head,
    lagEvents,
    lagSeconds: row.lag_seconds,
    moving: getsOn && (lagEvents === 0n || row.read_at - row.updated_at < STILL_MS),
    updatedAtMs: row.updated_at,
    begunAtMs: row.begun_at,
    eventsPerSecond: perMs === null ? null : perMs * 1_000,
    etaMs: perMs === null || perMs === 0 ? null : Math.round(Number(lagEvents) / perMs),
    halted: row.halted,
    failure: row.failure ?? (isAhead ? aheadFailure(row.position, row.head) : null),
    isReadModel: row.read_model,
  };
}
