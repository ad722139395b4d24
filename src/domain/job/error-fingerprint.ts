import type { JobError } from './events.ts';

/**
 * What differs between two occurrences of one error, in the order in which it is left out: quoted
 * texts, UUIDs, hex, numbers (also times, versions and addresses made of numbers).
 * Each pattern means the same to JavaScript and to Postgres, which counts failures by it: ASCII classes
 * and greedy repetition only, no alternatives, nothing of the locale's.
 */
export const fleetingParts: readonly string[] = [
  // An apostrophe within a word opens no quote.
  "(?<![0-9A-Za-z])'[^']*'",
  '"[^"]*"',
  '`[^`]*`',
  '(?<![0-9A-Za-z])[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}(?![0-9A-Za-z])',
  '0[xX][0-9A-Fa-f]+',
  '(?<![0-9A-Za-z])[0-9A-Fa-f]{8,}(?![0-9A-Za-z])',
  '[0-9]+(?:[.,:][0-9]+)*',
];
/** What stands in the place of each. */
export const fleetingMark = '#';

const patterns = fleetingParts.map((part) => new RegExp(part, 'gu'));

/** Hex digits of a fingerprint: 128 bits. */
const fingerprintLength = 32;

/**
 * The same for the same error: jobs of one type that fail with one name, and with messages that differ
 * only in what is fleeting.
 * @param type of the job
 * @param sha256 of a UTF-8 text, in lower-case hex
 */
export function errorFingerprint(
  type: string,
  { name, message }: Pick<JobError, 'name' | 'message'>,
  sha256: (text: string) => string,
): string {
  const lasting = patterns.reduce((text, part) => text.replace(part, fleetingMark), message);
  return sha256(`${type}\n${name}\n${lasting}`).slice(0, fingerprintLength);
}
