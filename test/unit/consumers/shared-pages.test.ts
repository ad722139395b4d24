import { describe, expect, it } from 'vitest';
import type { LoggedEvent, LogPage } from '../../../src/consumers/tail/log-page.ts';
import { createSharedPages } from '../../../src/consumers/tail/shared-pages.ts';

const eventAt = (position: bigint) => ({ position }) as LoggedEvent;

/** A log of so many events, and pages over it that say how often it was read. */
function open(length: number) {
  const log = { head: BigInt(length), epoch: 1 };
  const readings: bigint[] = [];
  let nowMs = 0;
  /** Set: readings wait for it, after they have seen the log. */
  let gate: Promise<void> | null = null;
  const read = async (after: bigint, limit: number): Promise<LogPage> => {
    readings.push(after);
    const upTo = log.head < after + BigInt(limit) ? log.head : after + BigInt(limit);
    const events = Array.from({ length: Number(upTo - after) }, (_, index) =>
      eventAt(after + BigInt(index) + 1n),
    );
    const page = { events, upTo, head: log.head, epoch: log.epoch, droppedUntil: 0n };
    await gate;
    return page;
  };
  const pages = createSharedPages({ read, elapsedMs: () => nowMs });
  return {
    log,
    pages,
    readings,
    later: (ms: number) => {
      nowMs += ms;
    },
    hold: () => {
      let letGo = () => undefined as void;
      gate = new Promise((resolve) => {
        letGo = resolve;
      });
      return letGo;
    },
  };
}

const positionsOf = ({ events }: LogPage) => events.map(({ position }) => Number(position));

describe('shared pages', () => {
  it('give what follows a position, up to a multiple of 512', async () => {
    const { pages } = open(1_000);
    const first = await pages.after(510n, 1);
    expect(positionsOf(first)).toEqual([511, 512]);
    expect(first.upTo).toBe(512n);
    const last = await pages.after(512n, 1);
    expect([positionsOf(last).length, last.upTo]).toEqual([488, 1_000n]);
    const beyond = await pages.after(1_000n, 1);
    expect([positionsOf(beyond), beyond.upTo]).toEqual([[], 1_000n]);
  });

  it('are read once, however many ask, and give the same objects', async () => {
    const { pages, readings } = open(1_024);
    const all = await Promise.all([0n, 0n, 64n, 500n].map((position) => pages.after(position, 1)));
    const later = await pages.after(0n, 1);
    expect(readings).toEqual([0n]);
    for (const page of all) expect(page.events.at(-1)).toBe(later.events.at(-1));
  });

  it('give what has come since to who has read the rest', async () => {
    const { log, pages, readings } = open(100);
    await pages.after(0n, 1);
    log.head = 103n;
    expect(positionsOf(await pages.after(100n, 1))).toEqual([101, 102, 103]);
    expect(readings).toEqual([0n, 0n]);
  });

  it('do not let a reader wait for what a reading that began before it did not see', async () => {
    const { log, pages, hold } = open(100);
    const letGo = hold();
    const early = pages.after(0n, 1);
    log.head = 103n;
    const late = pages.after(100n, 1);
    letGo();
    expect(positionsOf(await early)).toHaveLength(100);
    expect(positionsOf(await late)).toEqual([101, 102, 103]);
  });

  it('are read anew for a reader of another epoch', async () => {
    const { log, pages, readings } = open(600);
    await pages.after(0n, 1);
    log.epoch = 2;
    expect((await pages.after(0n, 1)).epoch).toBe(1);
    expect((await pages.after(0n, 2)).epoch).toBe(2);
    expect(readings).toEqual([0n, 0n]);
  });

  it('are eight at the most, and forgotten when nobody asks for them', async () => {
    const { pages, readings, later } = open(512 * 20);
    for (let page = 0n; page < 20n; page += 1n) await pages.after(page * 512n, 1);
    expect(pages.size).toBe(8);
    await pages.after(19n * 512n, 1);
    expect(readings).toHaveLength(20);
    later(1_000);
    await pages.after(12n * 512n, 1);
    later(1_500);
    pages.forgetUnused();
    expect(pages.size).toBe(1);
    await pages.after(12n * 512n, 1);
    expect(readings).toHaveLength(20);
  });

  it('say that they could not be read, and can be asked again', async () => {
    let fails = true;
    const page = { events: [eventAt(1n)], upTo: 1n, head: 1n, epoch: 1, droppedUntil: 0n };
    const pages = createSharedPages({
      read: () => (fails ? Promise.reject(new Error('away')) : Promise.resolve(page)),
      elapsedMs: () => 0,
    });
    await expect(pages.after(0n, 1)).rejects.toThrow('away');
    fails = false;
    expect(positionsOf(await pages.after(0n, 1))).toEqual([1]);
  });
});
