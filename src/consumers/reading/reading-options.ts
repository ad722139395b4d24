import type { Clock } from '../../kernel/clock.ts';
import type { Observer } from '../../kernel/observer.ts';
import type { Database } from '../../store/database.ts';
import type { WakeUp } from '../../store/wake-up.ts';

/** What whoever reads the log as a consumer needs: read models, reactions, the relay. */
export interface ReadingOptions {
  readonly database: Database;
  readonly wakeUp: WakeUp;
  /** Tells this process from others. */
  readonly holder: string;
  readonly observer: Observer;
  readonly clock: Clock;
  /** A number in [0, 1). */
  readonly random: () => number;
}
