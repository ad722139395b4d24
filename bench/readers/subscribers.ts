import { get, type IncomingMessage } from 'node:http';
import { atRate } from '../measure/at-rate.ts';
import { quantile } from '../measure/quantile.ts';
import { withDaybook } from '../package.ts';
import type { Scenario } from '../scenario.ts';
import { startServer } from '../servers/daybook-server.ts';

const full = { clients: 200, perSecond: 2_000, seconds: 60 };
const quickly = { clients: 20, perSecond: 500, seconds: 2 };
/** Events in one statement. */
const BATCH = 100;
const WAIT_MS = 30_000;

/** Many readers of the log as it grows. */
export const subscribers: Scenario = {
  name: 'subscribers',
  title: 'Many subscribers over SSE, one of them stuck, while the log grows',
  alone: true,
  async measure({ quick, postgres }) {
    const database = await postgres.makeDatabase();
    try {
      const load = quick ? quickly : full;
      const { events, missing, gaps, duplicates, grownBytes, delays } = await follow(
        database.url,
        load,
      );
      const name = `Daybook, ${load.clients} clients, ${load.perSecond.toLocaleString('en')} events/s`;
      return {
        series: [
          ...[0.5, 0.99].map((q) => ({
            name,
            unit: `p${q * 100} ms behind the head`,
            values: [quantile(delays, q)],
          })),
          { name, unit: 'MB that the server grew by', values: [grownBytes / 2 ** 20] },
        ],
        goals: [
          {
            what: 'Growth of the server',
            value: grownBytes / 2 ** 20,
            bound: { below: 100 },
            unit: 'MB',
          },
          {
            what: 'Subscribers behind the head, p99',
            value: quantile(delays, 0.99),
            bound: { below: 1_000 },
            unit: 'ms',
          },
          {
            what: 'Events that were missing, or came twice',
            value: gaps + duplicates + missing,
            bound: { below: 1 },
            unit: 'events',
          },
        ],
        notes: [
          `${events.toLocaleString('en')} events for each: ${gaps} gaps, ${duplicates} duplicates, ${missing} missing.`,
        ],
      };
    } finally {
      await database.drop();
    }
  },
};

interface Followed {
  readonly events: number;
  /** At the end, to the client that had the fewest. */
  readonly missing: number;
  readonly gaps: number;
  readonly duplicates: number;
  /** Of the server, from before the first event to its highest. */
  readonly grownBytes: number;
  /** From the writing of an event to its arrival, in ms, of the last event of each piece. */
  readonly delays: number[];
}

/**
 * Follows the log of one `daybook start` process with many clients, the first of them stuck, while
 * events are written at a steady rate. The stuck one reads again at the end, and must get them all.
 */
async function follow(
  connectionString: string,
  { clients, perSecond, seconds }: typeof full,
): Promise<Followed> {
  const server = await startServer(connectionString);
  try {
    return await withDaybook({ connectionString, maintain: false }, async (daybook) => {
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
      const missing = () => events - Math.min(...readers.map((reader) => reader.seen()));
      await within(WAIT_MS, () => missing() <= 0);
      clearInterval(watch);
      for (const reader of readers) reader.close();
      return {
        events,
        missing: Math.max(0, missing()),
        gaps: sum(readers.map((reader) => reader.gaps())),
        duplicates: sum(readers.map((reader) => reader.duplicates())),
        grownBytes: most - before,
        delays: readers.slice(1).flatMap((reader) => reader.delays),
      };
    });
  } finally {
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
