import type { SafetyReport } from './safety/safety-check.ts';

/** What a difference is about. Stable: programs may tell them apart. */
export type DifferenceKind =
  /** A position of the log has no event. */
  | 'position-missing'
  /** An event beyond the end that the head knows. */
  | 'position-beyond-head'
  /** An epoch that was never opened, or one that is followed by an older one. */
  | 'epoch-wrong'
  /** The map from time to position contradicts itself or the log. */
  | 'batch-wrong'
  /** An event in the inbox that no sequencer will ever move. */
  | 'event-stranded'
  /** A type, queue or job type that nobody knows; the stream is not judged beyond it. */
  | 'event-unknown'
  /** Versions with a gap, or one twice; the stream is not judged beyond it. */
  | 'version-wrong'
  /** Events of a stream that stand in the log in another order than their versions. */
  | 'order-wrong'
  /** An event more than a minute before the one before it in its stream. */
  | 'time-backwards'
  /** An event that cannot have followed what stands before it. */
  | 'event-illegal'
  /** What stands beside an event is not what its stream gives. */
  | 'mark-wrong'
  /** Events that are in the log, and not found by their stream, or the other way round. */
  | 'events-unreached'
  | 'row-missing'
  | 'row-extra'
  | 'column-differs';

/** One thing that is not as the log says. Plain JSON; bigints are decimal strings, times are ms. */
export interface Difference {
  readonly kind: DifferenceKind;
  /** The table, or read model, in which it is. */
  readonly table: string;
  /** What tells the row: a job's or queue's stream id, a position, a queue's number. */
  readonly key: string;
  /** Of events: the version in the stream, and the place in the log (null in the inbox). */
  readonly version: number | null;
  readonly position: string | null;
  readonly column: string | null;
  /** What the log says. */
  readonly expected: unknown;
  /** What is there. */
  readonly found: unknown;
}

/** What was looked at. */
export interface Checked {
  /** The log was checked from position 1 to this one. */
  readonly position: string;
  readonly events: number;
  readonly batches: number;
  readonly jobs: number;
  readonly queues: number;
  readonly claimRows: number;
  readonly deadRows: number;
  readonly payloadRows: number;
  /** Rows of each table of each read model; null for one that is not built, or was replaced meanwhile. */
  readonly readModels: readonly {
    readonly name: string;
    readonly table: string;
    readonly rows: number | null;
  }[];
}

export interface VerifyReport {
  /** True: nothing differs. */
  readonly equal: boolean;
  /** The first hundred. */
  readonly differences: readonly Difference[];
  /** How many there are of each kind, those above included. */
  readonly counts: Readonly<Partial<Record<DifferenceKind, number>>>;
  readonly checked: Checked;
  /** What the safety check has found; null where it was not asked for. */
  readonly safety: SafetyReport | null;
  readonly tookMs: number;
}

/** What a finder of differences says; what it leaves out does not apply. */
export type Finding = Pick<Difference, 'kind' | 'table' | 'key'> &
  Partial<Pick<Difference, 'version' | 'column' | 'expected' | 'found'>> & {
    readonly position?: bigint | null;
  };

/** Collects differences: keeps the first ones, and counts all. */
export interface Findings {
  add(finding: Finding): void;
  readonly kept: readonly Difference[];
  readonly counts: Readonly<Partial<Record<DifferenceKind, number>>>;
}

export function createFindings(keep: number): Findings {
  const kept: Difference[] = [];
  const counts: Partial<Record<DifferenceKind, number>> = {};
  return {
    kept,
    counts,
    add({ kind, table, key, version, position, column, expected, found }) {
      counts[kind] = (counts[kind] ?? 0) + 1;
      if (kept.length >= keep) return;
      kept.push({
        kind,
        table,
        key,
        version: version ?? null,
        position: position?.toString() ?? null,
        column: column ?? null,
        expected: plain(expected),
        found: plain(found),
      });
    },
  };
}

/** A value, or a row of values, as JSON can carry it. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value ?? null;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [
      key,
      typeof each === 'bigint' ? each.toString() : each,
    ]),
  );
}
