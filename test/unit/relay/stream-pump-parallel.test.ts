import { expect, it, vi } from 'vitest';
import { systemClock } from '../../../src/kernel/clock.ts';
import type { RelayEvent } from '../../../src/relay/relay-event.ts';
import { createStreamPump } from '../../../src/relay/stream-pump.ts';

function events(streamId: string, ...versions: number[]): RelayEvent[] {
  return versions.map((version) => ({
    position: BigInt(version),
    streamId,
    version,
    epoch: 1,
    stream: `job-${streamId}`,
    bytes: 100,
    event: { id: `${streamId}${version}`, type: 'A', data: {}, metadata: {} },
  }));
}

it('appends so many streams at the same time, and one batch of each', async () => {
  const underWay = new Map<string, () => void>();
  const begun: string[] = [];
  let most = 0;
  const pump = createStreamPump({
    append: async (batch) => {
      const [first] = batch;
      const stream = first?.streamId ?? '';
      expect(underWay.has(stream)).toBe(false);
      begun.push(batch.map(({ event }) => event.id).join(' '));
      await new Promise<void>((resolve) => {
        underWay.set(stream, resolve);
        most = Math.max(most, underWay.size);
      });
      underWay.delete(stream);
    },
    park: () => Promise.reject(new Error('nothing is parked')),
    halt: () => undefined,
    clock: systemClock,
    random: () => 0,
    concurrency: 3,
    maxBatchBytes: 1_000,
    maxEventBytes: 1_000,
  });
  const page = { upTo: 9n, left: 6 };
  pump.add(
    page,
    ['a', 'b', 'c', 'd'].flatMap((stream) => events(stream, 1)),
  );
  pump.add(page, events('a', 2, 3));
  await vi.waitFor(() => expect(begun).toEqual(['a1', 'b1', 'c1']));
  // A stream that takes its time holds up nobody but itself.
  underWay.get('b')?.();
  await vi.waitFor(() => expect(begun).toEqual(['a1', 'b1', 'c1', 'd1']));
  underWay.get('a')?.();
  await vi.waitFor(() => expect(begun.at(-1)).toBe('a2 a3'));
  for (const stream of ['a', 'c', 'd']) underWay.get(stream)?.();
  await vi.waitFor(() => expect(page.left).toBe(0));
  expect(most).toBe(3);
});
