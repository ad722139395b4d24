import { describe, expect, it } from 'vitest';
import { createGathering } from '../../../src/consumers/reading/gathering.ts';
import { createFakeClock } from '../../../src/testing/fake-clock.ts';

const everyMs = 50;

/** A rest after a batch that took so long, and whether it is over. */
function begin(tookMs: number, stop = new AbortController()) {
  const clock = createFakeClock();
  const gathering = createGathering(clock, everyMs);
  const rest = { over: false };
  void gathering.rest(tookMs, stop.signal).then(() => {
    rest.over = true;
  });
  return {
    ...gathering,
    /** Moves time on, and answers whether the rest is over then. */
    async after(ms: number) {
      clock.advance(ms);
      await new Promise((resolve) => setImmediate(resolve));
      return rest.over;
    },
  };
}

describe('the pause at the end of the log', () => {
  it('lasts until the next batch is due, after one that was quick', async () => {
    const { after } = begin(10);
    expect(await after(39)).toBe(false);
    expect(await after(1)).toBe(true);
  });

  it('lasts twice as long as the batch took, while the log grows', async () => {
    const { after, grew } = begin(100);
    for (let ms = 40; ms < 200; ms += 40) {
      expect(await after(40)).toBe(false);
      grew();
    }
    expect(await after(39)).toBe(false);
    expect(await after(1)).toBe(true);
  });

  it('ends once the log stands still', async () => {
    const { after, grew } = begin(1_000);
    expect(await after(30)).toBe(false);
    grew();
    expect(await after(49)).toBe(false);
    expect(await after(1)).toBe(true);
  });

  it('does not come at once after a quick batch because the log stands still', async () => {
    const { after } = begin(1);
    expect(await after(48)).toBe(false);
    expect(await after(1)).toBe(true);
  });

  it('ends with its signal', async () => {
    const stop = new AbortController();
    const { after } = begin(1_000, stop);
    stop.abort();
    expect(await after(0)).toBe(true);
  });
});
