/** An event that is not in the target as the log has it. */
export interface RelayDifference {
  readonly kind: /** In the log, and not in the target. */
    | 'missing'
    /** In a stream of Daybook's in the target, and not in the log; also a second time. */
    | 'extra'
    /** In both, and not the same. */
    | 'differing';
  /** Null for an extra one that names none. */
  readonly position: string | null;
  readonly stream: string;
  readonly revision: string;
  /** What of it differs. */
  readonly what?: string;
}

/** What both sides have of what was relayed. */
export interface RelayReport {
  readonly equal: boolean;
  /** The log up to here was compared: the checkpoint of the relay when the comparison began. */
  readonly upTo: string;
  /** Where the log ended then. */
  readonly head: string;
  /** Events that are the same on both sides. */
  readonly same: number;
  /** Events up to there that are put aside: they are missing, and known to be. */
  readonly parked: number;
  readonly missing: number;
  readonly extra: number;
  readonly differing: number;
  /** Events that are none of this log's: of others' streams, or relayed from another log. */
  readonly foreign: number;
  /** The first of each kind. */
  readonly differences: readonly RelayDifference[];
}

/** Of each kind, so many are told one by one. */
const SHOWN = 100;

/** Counts what was found, and keeps the first of it. */
export class RelayFindings {
  readonly #counts = { missing: 0, extra: 0, differing: 0 };
  readonly #shown: RelayDifference[] = [];

  add(difference: RelayDifference): void {
    this.#counts[difference.kind] += 1;
    if (this.#counts[difference.kind] <= SHOWN) this.#shown.push(difference);
  }

  report(rest: Pick<RelayReport, 'upTo' | 'head' | 'same' | 'parked' | 'foreign'>): RelayReport {
    const { missing, extra, differing } = this.#counts;
    const equal = missing + extra + differing === 0;
    return { equal, ...rest, missing, extra, differing, differences: this.#shown };
  }
}
