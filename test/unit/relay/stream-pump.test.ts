import { beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../../src/kernel/clock.ts';
import type { RelayEvent } from '../../../src/relay/relay-event.ts';
import { createStreamPump, type StreamPumpOptions } from '../../../src/relay/stream-pump.ts';
import { TargetFailure } from '../../../src/relay/target/event-target.ts';

/** Events of a stream by their versions. */
function events(streamId: string, versions: readonly number[], bytes = 100): RelayEvent[] {
  return versions.map((version) => ({
    position: BigInt(version),
    streamId,
    version,
    epoch: 1,
    stream: `job-${streamId}`,
    bytes,
    event: { id: `${streamId}${version}`, type: 'A', data: {}, metadata: {} },
  }));
}

describe('a pump', () => {
  const batches: string[] = [];
  const parked: string[] = [];
  const halt = vi.fn<(failure: Error) => void>();
  const idsOf = (batch: readonly RelayEvent[]) => batch.map(({ event }) => event.id).join(' ');
  beforeEach(() => {
    batches.length = 0;
    parked.length = 0;
    halt.mockClear();
  });
  const pumpWith = (options: Partial<StreamPumpOptions> = {}) =>
    createStreamPump({
      append: (batch) => {
        batches.push(idsOf(batch));
        return Promise.resolve();
      },
      park: (batch) => {
        parked.push(idsOf(batch));
        return Promise.resolve();
      },
      halt,
      clock: systemClock,
      random: () => 0,
      concurrency: 1,
      maxBatchBytes: 350,
      maxEventBytes: 300,
      ...options,
    });
  const refusing = (streamId: string) => (batch: readonly RelayEvent[]) => {
    if (batch[0]?.streamId !== streamId) return Promise.resolve(void batches.push(idsOf(batch)));
    return Promise.reject(new TargetFailure('refused', 'access-denied', 'no'));
  };

  it('fills batches up to their bytes, and settles pages', async () => {
    const pump = pumpWith();
    const page = { upTo: 9n, left: 6 };
    // The first is under way before the others have come.
    pump.add(page, [...events('a', [1]), ...events('a', [2, 3, 4, 5, 6])]);
    expect([pump.outstanding, pump.outstandingBytes]).toEqual([6, 600]);
    await vi.waitFor(() => expect(page.left).toBe(0));
    expect(batches).toEqual(['a1 a2 a3', 'a4 a5 a6']);
    expect([pump.outstanding, pump.outstandingBytes]).toEqual([0, 0]);
  });

  it('tries the same batch again, and no other of the stream meanwhile', async () => {
    let fails = 2;
    const tried: string[] = [];
    const pump = pumpWith({
      append: (batch) => {
        tried.push(idsOf(batch));
        fails -= 1;
        return fails >= 0 ? Promise.reject(new Error('gone')) : Promise.resolve();
      },
    });
    const page = { upTo: 9n, left: 3 };
    pump.add(page, events('a', [1, 2]));
    pump.add(page, events('a', [3]));
    await vi.waitFor(() => expect(page.left).toBe(0));
    expect(tried).toEqual(['a1 a2', 'a1 a2', 'a1 a2', 'a3']);
  });

  it('parks a stream that is refused, with what comes after, and no other', async () => {
    const tries: number[] = [];
    const pump = pumpWith({
      append: refusing('a'),
      park: (batch, _error, attempts) => {
        parked.push(idsOf(batch));
        tries.push(attempts);
        return Promise.resolve();
      },
    });
    const page = { upTo: 9n, left: 3 };
    pump.add(page, [...events('a', [1]), ...events('b', [1])]);
    await vi.waitFor(() => expect(page.left).toBe(1));
    pump.add(page, events('a', [2]));
    await vi.waitFor(() => expect(page.left).toBe(0));
    expect([parked, batches]).toEqual([['a1', 'a2'], ['b1']]);
    expect(tries).toEqual([1, 0]);
    expect(halt).not.toHaveBeenCalled();
  });

  it('parks what is too large without trying it', async () => {
    const pump = pumpWith();
    const page = { upTo: 9n, left: 3 };
    pump.add(page, [...events('a', [1]), ...events('a', [2], 301), ...events('a', [3])]);
    await vi.waitFor(() => expect(page.left).toBe(0));
    expect([batches, parked]).toEqual([['a1'], ['a2 a3']]);
  });

  it('halts where one stream after the other is refused', async () => {
    const no = new TargetFailure('refused', 'access-denied', 'no');
    const pump = pumpWith({ append: () => Promise.reject(no) });
    const streams = Array.from({ length: 40 }, (_, n) => events(`s${n}-`, [1])).flat();
    pump.add({ upTo: 9n, left: 40 }, streams);
    await vi.waitFor(() => expect(halt).toHaveBeenCalledExactlyOnceWith(no));
    expect(parked).toHaveLength(19);
    await pump.stop();
  });
});
