import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/kernel/clock.ts';
import { type Observer, silentObserver } from '../../../src/kernel/observer.ts';
import type {
  EventTarget,
  StoredTargetEvent,
  TargetEvent,
} from '../../../src/relay/target/event-target.ts';
import { loadTargetMaker, type TargetAddress } from '../../../src/relay/target/open-target.ts';
import {
  createTargetSession,
  type TargetSession,
} from '../../../src/relay/target/target-session.ts';
import type { DoubleControl } from '../../support/kurrent-double/double-control.ts';
import type { Fault } from '../../support/kurrent-double/faults.ts';
import { realServer } from '../../support/relay-settings.ts';

/** Long enough for an answer on a busy machine, and short enough to wait for none. */
const TIMEOUT_MS = 2_000;

/** What the double does to an append, and what the failure that comes of it is called. */
const troubles: readonly (readonly [Fault, RegExp])[] = [
  ['hang', /^no-answer$/],
  ['half-close', /^(call-ended|no-answer|cancelled)$/],
  ['drop', /^unavailable$/],
  ['drop-after-commit', /^unavailable$/],
  ['busy', /^unknown$/],
  ['not-ready', /^unknown$/],
  ['timeout', /./],
  ['not-leader', /^not-leader$/],
  ['lost-leadership', /^not-leader$/],
];

/**
 * What the relay needs of a client: the same for each of them, each way of appending, and each server.
 * @param startDouble where no real server is named
 */
export function describeTarget(
  address: Pick<TargetAddress, 'client' | 'appends'>,
  startDouble: () => Promise<DoubleControl>,
): void {
  describe(`${address.client}, appends: ${address.appends}`, () => {
    let double: DoubleControl | undefined;
    let session: TargetSession;
    let target: EventTarget;
    const replaced: string[] = [];
    const observer: Observer = { ...silentObserver, warn: (message) => replaced.push(message) };
    let stream: string;
    beforeAll(async () => {
      const real = realServer();
      double = real === undefined ? await startDouble() : undefined;
      const maker = await loadTargetMaker({ ...address, url: real ?? double?.url ?? '' });
      session = createTargetSession({ maker, clock: systemClock, observer, timeoutMs: TIMEOUT_MS });
      target = maker.open();
    });
    afterAll(async () => {
      await session.close();
      await target.close();
      await double?.close();
    });
    beforeEach(() => {
      stream = `job-${randomUUID()}`;
      replaced.length = 0;
    });

    const made = (n: number): TargetEvent => ({
      id: randomUUID(),
      type: `Made${n}`,
      data: { n, text: 'äöü — 😀' },
      metadata: { position: String(n), $correlationId: 'chain' },
    });
    const idsOf = (events: readonly { readonly id: string }[]) => events.map(({ id }) => id);
    const found = () => session.read(stream, 0n, 100);

    it('appends behind what is there, and reads it back', async () => {
      const [first, second, third] = [made(1), made(2), made(3)];
      await session.append(stream, [first], 'no-stream');
      await session.append(stream, [second, third], 0n);
      const events = await found();
      expect(events.map(({ revision, id }) => [revision, id])).toEqual([
        [0n, first.id],
        [1n, second.id],
        [2n, third.id],
      ]);
      expect(events[1]).toMatchObject({ ...second, stream });
      expect(idsOf(await session.read(stream, 1n, 1))).toEqual([second.id]);
      expect(await session.read(`job-${randomUUID()}`, 0n, 10)).toEqual([]);
    });

    it('gives every event of all streams, from a place on', async () => {
      const mine = [made(1), made(2), made(3)];
      await session.append(stream, mine, 'no-stream');
      const all: StoredTargetEvent[] = [];
      for await (const event of target.readAll()) if (event.stream === stream) all.push(event);
      expect(idsOf(all)).toEqual(idsOf(mine));
      const after = all[0]?.position ?? undefined;
      expect(after).toBeDefined();
      const rest: string[] = [];
      for await (const event of target.readAll(after === undefined ? {} : { after })) {
        if (event.stream === stream) rest.push(event.id);
      }
      expect(rest).toEqual(idsOf(mine.slice(1)));
    });

    it('takes the same append again, and has it once', async () => {
      const events = [made(1), made(2)];
      await session.append(stream, events, 'no-stream');
      await session.append(stream, events, 'no-stream');
      await session.append(stream, events.slice(1), 0n);
      expect(idsOf(await found())).toEqual(idsOf(events));
    });

    it('says where the stream ends to whom expects it elsewhere', async () => {
      const wrong = (actual: bigint | null) => ({ kind: 'wrong-version', actual });
      const append = (expected: bigint | 'no-stream') =>
        session.append(stream, [made(9)], expected);
      await expect(append(4n)).rejects.toMatchObject(wrong(null));
      await session.append(stream, [made(1), made(2)], 'no-stream');
      await expect(append('no-stream')).rejects.toMatchObject(wrong(1n));
      await expect(append(0n)).rejects.toMatchObject(wrong(1n));
      await expect(append(4n)).rejects.toMatchObject(wrong(1n));
      expect(await found()).toHaveLength(2);
    });

    describe.skipIf(realServer() !== undefined)('where the double', () => {
      // Only a call that lasts can be ended by the server without an answer.
      const lasting = address.appends === 'batch';
      it.each(troubles.filter(([fault]) => lasting || fault !== 'half-close'))(
        'does this: %s, the failure may pass, and it does',
        async (fault, reason) => {
          const event = made(1);
          await double?.play(fault);
          await expect(session.append(stream, [event], 'no-stream')).rejects.toMatchObject({
            kind: 'transient',
            reason: expect.stringMatching(reason) as string,
          });
          await expect
            .poll(() => session.append(stream, [event], 'no-stream').then(() => 'done'))
            .toBe('done');
          expect(idsOf(await found())).toEqual([event.id]);
          // Who does not answer is given up, and nobody else.
          if (fault === 'hang') expect(replaced).toHaveLength(1);
          if (fault === 'busy') expect(replaced).toEqual([]);
        },
      );

      it('refuses for good what is too large, and what goes to a tombstone', async () => {
        const large = { ...made(1), data: { text: 'x'.repeat(2_000_000) } };
        await expect(session.append(stream, [large], 'no-stream')).rejects.toMatchObject({
          kind: 'refused',
          reason: 'maximum-append-size-exceeded',
        });
        await double?.tombstone(stream);
        await expect(session.append(stream, [made(1)], 'no-stream')).rejects.toMatchObject({
          kind: 'refused',
          reason: 'stream-deleted',
        });
      });

      it('goes away, it is found again', async () => {
        await session.append(stream, [made(1)], 'no-stream');
        await double?.stop();
        await expect(session.append(stream, [made(2)], 0n)).rejects.toMatchObject({
          kind: 'transient',
        });
        await double?.start();
        const event = made(2);
        await expect
          .poll(() => session.append(stream, [event], 0n).then(() => 'done'))
          .toBe('done');
      });
    });
  });
}
