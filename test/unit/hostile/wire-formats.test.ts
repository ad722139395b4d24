import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createNdjsonFrames, createSseFrames } from '../../../src/api/events/event-frames.ts';
import { createSseParser } from '../../../src/client/sse-parser.ts';
import type { LoggedEvent } from '../../../src/consumers/tail/log-page.ts';
import { FUZZ_SEED } from '../../support/fuzz-settings.ts';
import { hostileText, hostileValue } from '../../support/hostile-values.ts';

const runs = { seed: FUZZ_SEED, numRuns: 300 };

/** Events that say whatever can be said, also line breaks, and the words of the formats themselves. */
const words = fc.constantFrom('\n\n', '\r', 'data: {}', 'id: v1.1.9', '\u2028', ': heartbeat');
const said = fc.oneof(
  hostileText,
  words,
  fc.tuple(words, hostileText).map((parts) => parts.join('')),
);
const events = fc
  .array(fc.record({ reason: said, more: hostileValue, actor: said, tags: fc.array(said) }), {
    minLength: 1,
    maxLength: 4,
  })
  .map((all) =>
    all.map(
      ({ actor, tags, ...data }, index) =>
        ({
          type: 'JobCancelled',
          data,
          streamId: '0198e0f2-6f2c-7cc3-98c1-2f5d4c1a7b11',
          version: index + 1,
          position: BigInt(index + 1),
          token: `v1.1.${index + 1}`,
          epoch: 1,
          schemaVersion: 1,
          occurredAtMs: 0,
          queue: 'default',
          jobType: 'x',
          tags,
          elapsedMs: null,
          actor,
          causation: null,
          correlation: actor,
        }) as unknown as LoggedEvent,
    ),
  );

it('an event is one line of NDJSON, whatever it says', () => {
  const property = fc.property(events, (all) => {
    const text = createNdjsonFrames('daybook').events(all).toString();
    const lines = text.split('\n');
    expect(lines.pop()).toBe('');
    expect(lines).toHaveLength(all.length);
    for (const [index, line] of lines.entries()) {
      const { data } = JSON.parse(line) as { data: unknown };
      expect(data).toEqual(asJson(all[index]?.data));
    }
  });
  fc.assert(property, runs);
});

it('an event is one server-sent event, whatever it says and however it is cut', () => {
  const property = fc.property(events, fc.array(fc.nat(2_000)), (all, cuts) => {
    const text = createSseFrames('daybook').events(all).toString();
    const parse = createSseParser();
    const places = [0, ...cuts.map((cut) => cut % text.length).toSorted((a, b) => a - b)];
    const blocks = places.flatMap((place, index) => parse(text.slice(place, places[index + 1])));
    expect(blocks.map(({ id, event }) => [id, event])).toEqual(
      all.map(({ token }) => [token, 'message']),
    );
    for (const [index, { data }] of blocks.entries()) {
      const shown = JSON.parse(data ?? '') as { data: unknown };
      expect(shown.data).toEqual(asJson(all[index]?.data));
    }
  });
  fc.assert(property, runs);
});

it('whatever a server sends is cut into blocks', () => {
  const pieces = fc.array(
    fc.oneof(said, fc.constantFrom('\r\n\r\n', 'event: x\n', 'retry: 1e9\n')),
  );
  const property = fc.property(pieces, (sent) => {
    const parse = createSseParser();
    for (const { event, retryMs = 0 } of sent.flatMap((piece) => parse(piece))) {
      expect(event).not.toContain('\n');
      expect(retryMs).toBeGreaterThanOrEqual(0);
    }
  });
  fc.assert(property, runs);
});

/** As it comes out at the other end: `-0` is 0, and halves of pairs are what they are. */
function asJson(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value)) as unknown;
}
