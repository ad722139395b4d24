/**
 * How bad it is. `wrong`: the database is not what this version expects, or something stands still;
 * somebody has to act. `risky`: it works, and a promise may not hold, or it will be slow.
 */
export type Level = 'fine' | 'risky' | 'wrong';

/** What was looked at. Never renamed: programs tell findings apart by it. */
export type Check =
  | 'server'
  | 'settings'
  | 'clock'
  | 'permissions'
  | 'migrations'
  | 'schema'
  | 'partitions'
  | 'read-models'
  | 'log'
  | 'snapshots'
  | 'housekeeping'
  | 'consumers'
  | 'subscriptions'
  | 'wake-up';

export interface Finding {
  readonly check: Check;
  readonly level: Level;
  /** One sentence for a person. */
  readonly message: string;
  /** What to do. */
  readonly advice?: string;
  /** The thing in question, such as `index job_claims.job_claims_waiting`. */
  readonly subject?: string;
  readonly expected?: string;
  readonly found?: string;
}

export interface DoctorReport {
  /** The worst level of all findings. */
  readonly verdict: Level;
  /** Of Daybook. */
  readonly version: string;
  readonly schema: string;
  /** One or more of each check that could be made, in the order of the checks. */
  readonly findings: readonly Finding[];
}

const order: readonly Level[] = ['fine', 'risky', 'wrong'];

/** The worst of all levels; `fine` for none. */
export function worst(levels: readonly Level[]): Level {
  return order[Math.max(0, ...levels.map((level) => order.indexOf(level)))] ?? 'fine';
}

/** The findings of one check, or that all is well. */
export function orFine(check: Check, findings: readonly Finding[], message: string): Finding[] {
  return findings.length > 0 ? [...findings] : [{ check, level: 'fine', message }];
}
