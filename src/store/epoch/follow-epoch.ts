import type { Clock } from '../../kernel/clock.ts';
import type { Observer } from '../../kernel/observer.ts';
import type { Executor } from '../statement.ts';
import { readHead } from '../statements/read-head.ts';
import type { WakeUp } from '../wake-up.ts';

export interface FollowEpochOptions {
  readonly database: Executor;
  /** Its connection breaks when the server goes; a new one, and every new epoch, is a hint. */
  readonly wakeUp: WakeUp;
  readonly clock: Clock;
  readonly observer: Observer;
  /** Called after each change: what else this process remembers of the database may be wrong as well. */
  readonly onChange: () => void;
}

/** How old a remembered epoch may be before it is read anew, beside the answer. */
const FRESH_MS = 5_000;

/**
 * The epoch of the log as this process knows it: answers at once, and a moment after an epoch was
 * opened maybe the one before.
 */
export async function followEpoch(options: FollowEpochOptions): Promise<() => number> {
  const { database, wakeUp, clock, observer, onChange } = options;
  let epoch: number | undefined;
  let readAt = 0;
  const read = async () => {
    readAt = clock.elapsedMs();
    const [head] = await database.run(readHead, {});
    const before = epoch;
    epoch = head?.epoch ?? epoch;
    if (before === undefined || before === epoch) return;
    observer.warn('the log is in another epoch than before', { before, epoch });
    onChange();
  };
  const readBeside = () => {
    read().catch((error: unknown) => observer.warn('the epoch could not be read', { error }));
  };
  await read();
  wakeUp.on('epoch', readBeside);
  return () => {
    if (clock.elapsedMs() - readAt > FRESH_MS) readBeside();
    return epoch ?? 1;
  };
}
