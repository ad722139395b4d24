import { DaybookError } from '../../kernel/errors.ts';
import { sha256 } from '../../kernel/ids.ts';
import { isUuid } from '../../kernel/uuid.ts';

/**
 * Where the next page begins, bound to the filter of the first: a token used with another filter is
 * refused, instead of showing a page of neither.
 */
export function pageTokenOf(cursor: string, filter: object): string {
  return Buffer.from(`${fingerprintOf(filter)}${cursor}`).toString('base64url');
}

/**
 * The cursor behind a token. @param isCursor tells what may be one
 * @throws DaybookError `invalid-request`
 */
export function cursorOf(
  token: string,
  filter: object,
  isCursor: (text: string) => boolean = isUuid,
): string {
  const text = Buffer.from(token, 'base64url').toString();
  const cursor = text.slice(FINGERPRINT_LENGTH);
  if (!isCursor(cursor)) throw wrongToken('is not one that an answer gave');
  if (!text.startsWith(fingerprintOf(filter))) throw wrongToken('belongs to another filter');
  return cursor;
}

const FINGERPRINT_LENGTH = 12;

/** The same for the same filter, whatever the order of its keys. */
function fingerprintOf(filter: object): string {
  const entries = Object.entries(filter).filter(([, value]) => value !== undefined);
  const text = JSON.stringify(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)));
  return sha256(text).slice(0, FINGERPRINT_LENGTH);
}

function wrongToken(message: string): DaybookError {
  return new DaybookError('invalid-request', `The pageToken ${message}.`, {
    fields: [{ pointer: '/query/pageToken', message }],
  });
}
