import type { WriteContext } from '../commands/write-context.ts';
import type { Clock } from '../kernel/clock.ts';
import { createLoop } from '../kernel/loop.ts';
import type { Observer } from '../kernel/observer.ts';
import type { Service } from '../kernel/service.ts';
import { createDuty } from '../store/duty.ts';
import { type EndedByExpiry, expireClaims } from '../store/statements/expire-claims.ts';
import { forgetExpired } from '../store/statements/forget-expired.ts';

export interface CaretakerOptions {
  readonly context: WriteContext;
  readonly clock: Clock;
  readonly expiryMs: number;
}

/** Claims taken back per statement at the most. */
const BATCH = 1_000;
const LEASE_MS = 5_000;
const FORGET_EVERY_MS = 60_000;

/** Nobody lives to count these; how long their attempts ran, nobody knows. */
function countEnds(observer: Observer, { queue, type, becomes, count }: EndedByExpiry): void {
  for (let n = 0; n < count; n += 1) {
    observer.ended({ queue, type }, becomes, null);
    if (becomes === 'cancelled') observer.cancelled({ queue, type });
  }
}

/**
 * Takes back the jobs of sessions that stopped beating, and forgets keys and sessions that are past
 * their time. Any process may run one; one at a time does the work.
 */
export function createCaretaker({ context, clock, expiryMs }: CaretakerOptions): Service {
  const { database, observer } = context;
  const duty = createDuty(database, 'caretaker', context.newId(), LEASE_MS, clock);
  let forgotAt = clock.elapsedMs();

  async function step(): Promise<number> {
    if (!(await duty.held())) return expiryMs;
    const [row] = await database.run(expireClaims, { limit: BATCH });
    const expired = row?.expired ?? 0;
    if (expired > 0) {
      observer.leaseExpired(expired);
      for (const each of row?.ended ?? []) countEnds(observer, each);
      context.wakeUp.hint('inbox');
    }
    if (clock.elapsedMs() - forgotAt > FORGET_EVERY_MS) {
      forgotAt = clock.elapsedMs();
      await database.run(forgetExpired, { limit: BATCH });
    }
    return expired === BATCH ? 0 : expiryMs;
  }

  const loop = createLoop({
    name: 'caretaker',
    clock,
    random: context.random,
    step,
    onError: (error) => observer.warn('the caretaker failed and tries again', { error }),
  });
  return {
    name: 'caretaker',
    start: () => loop.start(),
    async stop() {
      await loop.stop();
      await duty.leave().catch((error: unknown) => {
        observer.warn('the caretaker’s duty lapses by itself', { error });
      });
    },
  };
}
