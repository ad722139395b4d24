import { parseLogToken, parsePosition } from '../../domain/log-token.ts';
import { parseWriteToken } from '../../domain/write-token.ts';
import { DaybookError } from '../../kernel/errors.ts';
import type { LogBounds } from './log-page.ts';

/**
 * Where a reader begins: after a position or a log token, at the first event there is (`start`), or
 * with what is written from now on (`end`).
 */
export type StartPosition = 'start' | 'end' | bigint | (string & {});

/**
 * The position after which a reader begins.
 * @throws DaybookError `invalid-request` for what is no token and no position, `position-ahead` for one
 *   that the log has not reached, `token-expired` for a token of another epoch, or a position whose
 *   successor is no longer there
 */
export function startAfter(start: StartPosition, bounds: LogBounds): bigint {
  if (start === 'end') return bounds.head;
  if (start === 'start') return bounds.droppedUntil;
  const { position, epoch } = parseStart(start);
  if (epoch !== undefined && epoch !== bounds.epoch) throw otherEpoch(epoch, bounds);
  if (position > bounds.head) {
    throw new DaybookError(
      'position-ahead',
      `Position ${position} is ahead of the log, which ends at ${bounds.head}.`,
      { facts: factsOf(bounds) },
    );
  }
  mustBeThere(position, bounds);
  return position;
}

/** @throws DaybookError `token-expired` when what follows a position has been dropped */
export function mustBeThere(position: bigint, bounds: LogBounds): void {
  if (position >= bounds.droppedUntil) return;
  throw new DaybookError(
    'token-expired',
    `The log in the database begins after position ${bounds.droppedUntil}.`,
    { facts: { ...factsOf(bounds), reason: 'dropped' } },
  );
}

/** @throws DaybookError `token-expired` when the log is of another epoch than before */
export function mustBeEpoch(epoch: number, bounds: LogBounds): void {
  if (epoch !== bounds.epoch) throw otherEpoch(epoch, bounds);
}

/** What a text or number stands for; the epoch is unknown for a plain position. */
function parseStart(start: string | bigint): { position: bigint; epoch?: number } {
  if (typeof start === 'bigint') {
    if (start >= 0n) return { position: start };
    throw wrongStart('must not be negative');
  }
  const token = parseLogToken(start);
  if (token !== undefined) return token;
  const position = parsePosition(start);
  if (position !== undefined) return { position };
  if (parseWriteToken(start) !== undefined) {
    throw wrongStart(
      'is a write token, which names one event and no place in the log: give the id of an event that was read, nextAfter of a page, or a position',
    );
  }
  throw wrongStart('is neither a log token nor a position');
}

function otherEpoch(epoch: number, bounds: LogBounds): DaybookError {
  return new DaybookError(
    'token-expired',
    `The token is of epoch ${epoch}; the log is in epoch ${bounds.epoch}.`,
    { facts: { ...factsOf(bounds), reason: 'epoch' } },
  );
}

function factsOf({ epoch, head, droppedUntil }: LogBounds) {
  return { epoch, head: head.toString(), first: (droppedUntil + 1n).toString() };
}

function wrongStart(message: string): DaybookError {
  return new DaybookError('invalid-request', `The place to begin ${message}.`, {
    fields: [{ pointer: '/query/after', message }],
  });
}
