import type { Clock } from '../../kernel/clock.ts';

/** Statements on their way at the same time. */
const MAX = 2;
/**
 * While so many jobs are on their way in one statement, others wait for its answer, and go with those
 * whose callers come back with it: 32 callers would else be two halves for ever, which take turns on
 * the same cores, and cost a fifth more processor time.
 */
const MANY = 16;
/** So many jobs that wait are worth a statement beside any other. */
const WORTH_ONE = 64;
/** A statement with more jobs than this takes long, and holds up nobody. */
const LARGE = WORTH_ONE * MAX;
/** Nor does one that has taken so many ms: its connection may have gone silent. */
const SLOW_MS = 20;

/** The submit statements that are on their way, and whether one more may be. */
export class Flying {
  readonly #clock: Clock;
  #statements = 0;
  /** In those that hold up others. */
  #jobs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Into how many statements jobs that wait may go now; 0: not into any. */
  lanesFor(waiting: number): number {
    const free = MAX - this.#statements;
    if (waiting === 0 || free === 0) return 0;
    if (this.#statements > 0 && this.#jobs >= MANY && waiting < WORTH_ONE) return 0;
    return waiting >= LARGE ? free : 1;
  }

  /**
   * Counts a statement with so many jobs until what is answered is called.
   * @param onSlow called when it begins to hold up nobody any more
   */
  start(jobs: number, onSlow: () => void): () => void {
    this.#statements += 1;
    let counted = jobs > LARGE ? 0 : jobs;
    this.#jobs += counted;
    const forget = () => {
      this.#jobs -= counted;
      counted = 0;
    };
    const cancel = this.#clock.after(SLOW_MS, () => {
      forget();
      onSlow();
    });
    return () => {
      cancel();
      forget();
      this.#statements -= 1;
    };
  }
}
