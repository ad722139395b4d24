import { parseLogToken } from '../../domain/log-token.ts';
import { DaybookError } from '../../kernel/errors.ts';
import type { Executor } from '../../store/statement.ts';
import { findPositionAt } from '../statements/find-position-at.ts';
import { type LogBounds, readBounds } from '../tail/log-page.ts';
import { startAfter } from '../tail/start-position.ts';
import type { StartFrom } from './subscription.ts';

const POSITION = /^\d+$/;

/**
 * The position after which a subscription begins.
 * @throws DaybookError `position-ahead`, `token-expired` for events that are no longer there,
 *   `invalid-request` for what is no place
 */
export async function startAt(
  database: Executor,
  tenantId: number,
  from: StartFrom,
): Promise<bigint> {
  const bounds = await readBounds(database, tenantId);
  if (from === 'beginning') return startAfter('start', bounds);
  if (from === 'now') return startAfter('end', bounds);
  if (POSITION.test(from) || parseLogToken(from) !== undefined) return startAfter(from, bounds);
  return positionAt(database, from, bounds);
}

async function positionAt(database: Executor, time: string, bounds: LogBounds): Promise<bigint> {
  const atMs = Date.parse(time);
  if (Number.isNaN(atMs)) {
    throw new DaybookError(
      'invalid-request',
      `"${time}" is neither a place in the log nor a time.`,
    );
  }
  const [found] = await database.run(findPositionAt, { atMs });
  const position = found?.position ?? 0n;
  // A time before the log is meant as its beginning, which may have moved.
  return position < bounds.droppedUntil ? bounds.droppedUntil : position;
}
