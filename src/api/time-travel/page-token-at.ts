import type { Moment } from '../../commands/read/moment.ts';
import { jobLimits } from '../../domain/job/new-job.ts';
import { parsePosition } from '../../domain/log-token.ts';
import { cursorOf, pageTokenOf } from '../requests/page-token.ts';

/**
 * Where the next page of a past begins, with the moment of the first page: a time is resolved once, so
 * that all pages tell of the same moment.
 */
export function pageTokenAt(cursor: string, filter: object, moment: Moment): string {
  const { position, timeMs } = moment;
  const token = pageTokenOf(cursor, { ...filter, ...asText(moment) });
  return `${position}.${timeMs}.${token}`;
}

/**
 * The moment and the cursor behind a token. @throws DaybookError `invalid-request` for one that no
 * answer gave, or that belongs to another filter
 */
export function cursorAt(
  token: string,
  filter: object,
): { readonly moment: Moment; readonly cursor: string } {
  const [, positionText = '', timeText = '', rest = ''] = PATTERN.exec(token) ?? [];
  const position = parsePosition(positionText) ?? 0n;
  const moment = { position, timeMs: Number(timeText) };
  // What no position and no time can be, no answer gave, whatever stands behind it.
  const isMoment = position > 0n && moment.timeMs <= jobLimits.latestMs;
  return { moment, cursor: cursorOf(isMoment ? rest : '', { ...filter, ...asText(moment) }) };
}

const PATTERN = /^(\d{1,19})\.(\d{1,15})\.(.+)$/;

function asText({ position, timeMs }: Moment) {
  return { atPosition: position.toString(), atTimeMs: timeMs };
}
