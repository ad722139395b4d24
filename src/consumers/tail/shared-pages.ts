import type { LogPage } from './log-page.ts';

/**
 * Pages of the log for those who read all of it and are behind: who fell behind together reads the same
 * stretch at about the same time, and it is read, and made into objects and bytes, once for all of them.
 */
export interface SharedPages {
  /** What follows a position, up to the end of its page. @param epoch of the reader */
  after(position: bigint, epoch: number): Promise<LogPage>;
  /** Forgets what nobody has asked for lately. */
  forgetUnused(): void;
  /** Pages that are kept now. */
  readonly size: number;
}

export interface SharedPagesOptions {
  /** Reads from the log itself, so many events at the most. */
  readonly read: (after: bigint, limit: number) => Promise<LogPage>;
  /** Monotonic. */
  readonly elapsedMs: () => number;
}

/** Positions of a page; pages begin at multiples of it, so that all readers mean the same ones. */
const PAGE = 512;
/** Pages kept: some 8 MB of usual events. */
const KEPT = 8;
/** A page that nobody has asked for is kept for so long. */
const UNUSED_MS = 2_000;

export function createSharedPages({ read, elapsedMs }: SharedPagesOptions): SharedPages {
  /** The one that was asked for last stands at the end. */
  const kept = new Map<bigint, { readonly page: LogPage; readonly usedAt: number }>();
  const underWay = new Map<bigint, Promise<LogPage>>();

  function keep(start: bigint, page: LogPage): void {
    kept.delete(start);
    kept.set(start, { page, usedAt: elapsedMs() });
    const [oldest] = kept.keys();
    if (kept.size > KEPT && oldest !== undefined) kept.delete(oldest);
  }

  function readPage(start: bigint): Promise<LogPage> {
    const reading = readUpTo(start).finally(() => underWay.delete(start));
    underWay.set(start, reading);
    return reading;
  }

  async function readUpTo(start: bigint): Promise<LogPage> {
    const page = await read(start, PAGE);
    const end = start + BigInt(PAGE);
    const events = page.events.filter(({ position }) => position <= end);
    const part = { ...page, events, upTo: page.upTo < end ? page.upTo : end };
    keep(start, part);
    return part;
  }

  return {
    get size() {
      return kept.size;
    },
    async after(position, epoch) {
      const start = position - (position % BigInt(PAGE));
      const known = kept.get(start)?.page;
      // Of another epoch: who reads anew hears what has become of the log.
      if (known !== undefined && known.epoch === epoch && known.upTo > position) {
        keep(start, known);
        return behind(position, known);
      }
      const begun = underWay.get(start);
      const page = await (begun ?? readPage(start));
      // A reading that began before the reader had come so far knows nothing of what follows.
      const isStale = begun !== undefined && page.upTo <= position;
      return behind(position, isStale ? await readPage(start) : page);
    },
    forgetUnused() {
      const since = elapsedMs() - UNUSED_MS;
      for (const [start, { usedAt }] of kept) if (usedAt < since) kept.delete(start);
    },
  };
}

/** The part of a page that follows a position. */
function behind(position: bigint, page: LogPage): LogPage {
  const events = page.events.filter((event) => event.position > position);
  return { ...page, events, upTo: page.upTo > position ? page.upTo : position };
}
