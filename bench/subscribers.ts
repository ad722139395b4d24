import { get, type IncomingMessage } from 'node:http';
import { atRate } from './at-rate.ts';
import type { Package } from './package.ts';
import { startServer } from './server-process.ts';

export interface SubscribersResult {
  readonly events: number;
  readonly gaps: number;
  readonly duplicates: number;
  /** That had not come half a minute after the last was written, over all clients. */
  readonly missing: number;
  /** Of the server, from before the first event to its highest. */
  readonly grownBytes: number;
  /** From the writing of an event to its arrival, in ms, of the last event of each piece. */
  readonly delays: number[];
}

const BATCH = 100;
const WAIT_MS = 30_000;

/**
 * Follows the log of one `daybook start` process with many clients, the first of them stuck, while
 * events are written at a steady rate. The stuck one reads again at the end, and must get them all.
 */
export async function subscribers(
  { openDaybook }: Package,
  connectionString: string,
  schema: string,
  clients: number,
  perSecond: number,
  seconds: number,
): Promise<SubscribersResult> {
  const server = await startServer(connectionString, schema);
  const daybook = await openDaybook({ connectionString, schema, maintain: false });
  try {
    const jobs = Array.from({ length: BATCH }, () => ({ type: 'bench', queue: 'bench' }));
    await daybook.submitMany(jobs);
    const readers = await Promise.all(
      Array.from({ length: clients }, () => openReader(`${server.url}/v1/events`)),
    );
    const before = server.residentBytes();
    let most = before;
    const watch = setInterval(() => {
      most = Math.max(most, server.residentBytes());
    }, 200);
    readers[0]?.pause();
    await atRate(perSecond / BATCH, seconds, async () => {
      await daybook.submitMany(jobs);
    });
    readers[0]?.resume();
    const events = perSecond * seconds;
    await within(WAIT_MS, () => readers.every((reader) => reader.seen() >= events));
    clearInterval(watch);
    for (const reader of readers) reader.close();
    return {
      events,
      gaps: sum(readers.map((reader) => reader.gaps())),
      duplicates: sum(readers.map((reader) => reader.duplicates())),
      missing: sum(readers.map((reader) => Math.max(0, events - reader.seen()))),
      grownBytes: most - before,
      delays: readers.slice(1).flatMap((reader) => reader.delays),
    };
  } finally {
    await daybook.close();
    await server.stop();
  }
}

/** One client: counts what comes, without making objects of it. */
async function openReader(url: string) {
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const headers = { accept: 'text/event-stream' };
    get(url, { headers, agent: false }, resolve).on('error', reject);
  });
  const delays: number[] = [];
  let [last, seen, gaps, duplicates] = [0, 0, 0, 0];
  let rest: Buffer = Buffer.alloc(0);
  const begun = new Promise<void>((resolve) => {
    answer.on('data', (piece: Buffer) => {
      const bytes = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
      const end = bytes.lastIndexOf('\n\n') + 2;
      rest = bytes.subarray(end);
      const now = Date.now();
      const whole = bytes.subarray(0, end);
      if (whole.includes('event: caught-up')) resolve();
      for (let at = whole.indexOf(ID); at !== -1; at = whole.indexOf(ID, at + ID.length)) {
        const position = numberAt(whole, at + ID.length);
        seen += 1;
        if (last !== 0 && position <= last) duplicates += 1;
        if (last !== 0 && position > last + 1) gaps += 1;
        last = position;
      }
      const time = whole.lastIndexOf(TIME);
      if (time !== -1) {
        const text = whole.toString('latin1', time + TIME.length, time + TIME.length + 24);
        delays.push(now - Date.parse(text));
      }
    });
  });
  answer.on('error', () => undefined);
  await begun;
  seen = 0;
  return {
    delays,
    seen: () => seen,
    gaps: () => gaps,
    duplicates: () => duplicates,
    pause: () => answer.pause(),
    resume: () => answer.resume(),
    close: () => answer.destroy(),
  };
}

/** Only events carry a sequence. */
const ID = Buffer.from('"sequence":"');
const TIME = Buffer.from('"time":"');

function numberAt(bytes: Buffer, at: number): number {
  return Number(bytes.toString('latin1', at, at + 19));
}

async function within(ms: number, holds: () => boolean): Promise<void> {
  const deadline = performance.now() + ms;
  while (!holds() && performance.now() < deadline) {
    await new Promise((resolve) => {
      setTimeout(resolve, 50);
    });
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
