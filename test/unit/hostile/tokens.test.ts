import fc from 'fast-check';
import { expect, it } from 'vitest';
import { formatFor } from '../../../src/api/events/answer-format.ts';
import { cursorOf, pageTokenOf } from '../../../src/api/requests/page-token.ts';
import { cursorAt, pageTokenAt } from '../../../src/api/time-travel/page-token-at.ts';
import { formatDelivery, parseDelivery } from '../../../src/consumers/groups/delivery.ts';
import { startAfter } from '../../../src/consumers/tail/start-position.ts';
import { formatLogToken, parseLogToken, parsePosition } from '../../../src/domain/log-token.ts';
import { formatWriteToken, parseWriteToken } from '../../../src/domain/write-token.ts';
import { isDaybookError } from '../../../src/kernel/errors.ts';
import { FUZZ_SEED } from '../../support/fuzz-settings.ts';
import { hostileText } from '../../support/hostile-values.ts';

const MAX = 2n ** 63n - 1n;
const runs = { seed: FUZZ_SEED, numRuns: 500 };

/** Texts that are nearly a token: one with a part of it replaced by something else. */
const id = fc.uuid();
const token = fc
  .tuple(
    fc.oneof(
      fc.tuple(fc.nat(), id, fc.nat()).map((parts) => parts.join('.')),
      fc.tuple(fc.constant('v1'), fc.nat(), fc.bigInt()).map((parts) => parts.join('.')),
      fc.tuple(fc.bigInt(), id).map((parts) => parts.join('.')),
      fc.tuple(fc.bigInt(), fc.nat(), id).map((parts) => parts.join('.')),
      id.map((cursor) => pageTokenOf(cursor, {})),
    ),
    fc.option(fc.tuple(fc.nat(80), fc.nat(4), hostileText), { freq: 1 }),
  )
  .map(([text, cut]) =>
    cut === null ? text : text.slice(0, cut[0]) + cut[2] + text.slice(cut[0] + cut[1]),
  );
const text = fc.oneof(token, hostileText);

/** What a call answers, or the code of the error it throws; whatever else it throws is a fault. */
function outcomeOf(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    if (isDaybookError(error)) return error.code;
    throw error;
  }
}

it('a token that is taken says what it said, and any other text is none', () => {
  const property = fc.property(text, (given) => {
    const write = parseWriteToken(given);
    if (write !== undefined) expect(parseWriteToken(formatWriteToken(write))).toEqual(write);
    const log = parseLogToken(given);
    if (log !== undefined) {
      expect(log.position <= MAX).toBe(true);
      expect(parseLogToken(formatLogToken(log))).toEqual(log);
    }
    const delivery = parseDelivery(given);
    if (delivery !== undefined) {
      const { position, id: of } = delivery;
      expect(position >= 0n && position <= MAX).toBe(true);
      expect(parseDelivery(formatDelivery(position, of))).toEqual(delivery);
    }
    expect(parsePosition(given) ?? 0n).toBeGreaterThanOrEqual(0n);
  });
  fc.assert(property, runs);
});

it('a page begins where an answer said, or is refused', () => {
  const filters = fc.dictionary(fc.string(), fc.option(fc.string(), { nil: undefined }));
  const property = fc.property(
    text,
    filters,
    id,
    fc.bigInt({ min: 1n, max: MAX }),
    (given, filter, cursor, position) => {
      expect(cursorOf(pageTokenOf(cursor, filter), filter)).toBe(cursor);
      const moment = { position, timeMs: 7 };
      expect(cursorAt(pageTokenAt(cursor, filter, moment), filter)).toEqual({ cursor, moment });
      expect(outcomeOf(() => cursorOf(given, { queue: 'a' }))).toBe('invalid-request');
      // Its fingerprint fits, as anybody can make it fit.
      const forged = pageTokenOf(`${given}.`, filter);
      expect(outcomeOf(() => cursorOf(forged, filter))).toBe('invalid-request');
      expect(outcomeOf(() => cursorAt(given, { queue: 'a' }))).toBe('invalid-request');
    },
  );
  fc.assert(property, runs);
});

it('a reader of the log begins within it, or is refused', () => {
  const bounds = { epoch: 1, head: 20n, droppedUntil: 5n };
  const refusals = ['invalid-request', 'position-ahead', 'token-expired'];
  const property = fc.property(text, (given) => {
    const start = outcomeOf(() => startAfter(given, bounds));
    if (typeof start === 'bigint') expect(start >= 5n && start <= 20n).toBe(true);
    else expect(refusals).toContain(start);
  });
  fc.assert(property, runs);
});

it('whatever is accepted, one of our formats is given', () => {
  const formats = ['application/json', 'application/x-ndjson', 'text/event-stream'];
  const part = fc.oneof(hostileText, fc.constantFrom(...formats, ';q=', ',', 'q=NaN', '*/*'));
  const property = fc.property(fc.array(part), (parts) => {
    expect(formats).toContain(formatFor(parts.join('')));
  });
  fc.assert(property, runs);
});
