import type { Clock } from '../kernel/clock.ts';
import type { Observer } from '../kernel/observer.ts';
import { readHead } from './statements/read-head.ts';
import type { Executor } from './statement.ts';

/** How old a remembered epoch may be before it is read anew, beside the answer. */
const FRESH_MS = 5_000;

/**
 * The epoch of the log as this process knows it. Answers at once; an epoch changes only when the
 * database is restored or fails over, and then every connection breaks as well.
 */
export async function followEpoch(
  database: Executor,
  clock: Clock,
  observer: Observer,
): Promise<() => number> {
  let epoch = 1;
  let readAt = 0;
  const read = async () => {
    readAt = clock.elapsedMs();
    const [head] = await database.run(readHead, {});
    if (head !== undefined) epoch = head.epoch;
  };
  await read();
  return () => {
    if (clock.elapsedMs() - readAt > FRESH_MS) {
      read().catch((error: unknown) => observer.warn('the epoch could not be read', { error }));
    }
    return epoch;
  };
}
