import { DaybookError } from '../../kernel/errors.ts';
import type { Executor } from '../../store/statement.ts';
import { resolveMoment } from '../../store/statements/resolve-moment.ts';

/** A moment as it is asked for: a position of the log, or a time. */
export type At = bigint | Date;

/** A moment of the past: everything up to and with `position` has happened, and nothing else. */
export interface Moment {
  readonly position: bigint;
  /**
   * What time it is then, in ms since the epoch: the time that was asked for, or when the position
   * came into the log. Tells what is due.
   */
  readonly timeMs: number;
}

/** No position is higher. */
const HIGHEST = 2n ** 63n - 1n;

/**
 * Resolves a moment to a position, once; everything that is then read at that position agrees. A time
 * stands for the last batch that came into the log at or before it. Asked again, a time that has just
 * passed may give a later position, because a batch is seen a little after its own time.
 * @throws DaybookError `moment-in-future`, `moment-before-log`, `invalid-request` for no time at all
 */
export async function resolveAt(executor: Executor, at: At): Promise<Moment> {
  if (typeof at === 'bigint') return momentOfPosition(executor, at);
  const timeMs = at.getTime();
  if (Number.isNaN(timeMs)) {
    throw new DaybookError('invalid-request', 'The moment is no time.', {
      fields: [{ pointer: '/at', message: 'must be a valid time' }],
    });
  }
  const beforeAll = new DaybookError(
    'moment-before-log',
    `The log begins after ${at.toISOString()}.`,
  );
  if (timeMs < 0) throw beforeAll;
  const [found] = await executor.run(resolveMoment, { timeMs });
  if (found !== undefined && timeMs > found.read_at) {
    throw new DaybookError('moment-in-future', `${at.toISOString()} is yet to come.`);
  }
  if (found === undefined || found.last_position === null) throw beforeAll;
  return { position: found.last_position, timeMs };
}

async function momentOfPosition(executor: Executor, position: bigint): Promise<Moment> {
  if (position < 1n) {
    throw new DaybookError('moment-before-log', 'The first position of the log is 1.');
  }
  const wanted = position > HIGHEST ? HIGHEST : position;
  const [found] = await executor.run(resolveMoment, { position: wanted });
  if (found === undefined || found.recorded_at === null || position > found.head) {
    const head = found?.head ?? 0n;
    throw new DaybookError('moment-in-future', `The log ends at position ${head}.`, {
      facts: { head: head.toString() },
    });
  }
  return { position, timeMs: found.recorded_at };
}
