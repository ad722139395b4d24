import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { z } from 'zod';
import { loadPackage, withDaybook } from '../package.ts';
import type { Scenario } from '../scenario.ts';
import { verifyDatabase } from '../verify.ts';
import { caughtUp } from './caught-up.ts';

const BATCH = 1_000;
const LEAST = 10_000;

/** How fast a log that is there is relayed, into the double of KurrentDB in a process of its own. */
export const relayThroughput: Scenario = {
  name: 'relay',
  title: 'Relaying a log to KurrentDB’s double (its protocol, in memory), three events a job',
  alone: true,
  async measure(bench) {
    const jobs = bench.quick ? 1_000 : 50_000;
    const database = await bench.postgres.makeDatabase();
    try {
      await finish(database.url, jobs);
      const runs: Relayed[] = [];
      for (let run = 0; run < bench.runs; run += 1) runs.push(await relay(database.url));
      const values = runs.map(({ perSecond }) => perSecond);
      const cpu = runs.map(({ microseconds }) => Math.round(microseconds)).join(', ');
      const name = 'Daybook';
      const median = values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
      const what = 'events relayed';
      return {
        series: [{ name, unit: 'events/s', values }],
        goals: [{ what, value: median, bound: { atLeast: LEAST }, unit: 'events/s' }],
        notes: [
          `Processor time of the relaying process, with all else that it does: ${cpu} µs an event.`,
          'The double is no KurrentDB: what a server takes to write to disk is not in it.',
          await verifyDatabase(database.url),
        ],
      };
    } finally {
      await database.drop();
    }
  },
};

async function finish(connectionString: string, jobs: number): Promise<void> {
  const { defineJob } = await loadPackage();
  const payload = z.object({ n: z.number(), to: z.string() });
  const some = defineJob({ type: 'some', payload, handler: () => null });
  await withDaybook({ connectionString, migrate: true, jobs: [some] }, async (daybook) => {
    await daybook.worker({ concurrency: 100 }).start();
    for (let first = 0; first < jobs; first += BATCH) {
      const batch = Array.from({ length: BATCH }, (_, n) => ({
        type: 'some',
        payload: { n: first + n, to: `somebody-${n}@example.org` },
      }));
      await daybook.submitMany(batch);
    }
    await caughtUp(daybook);
  });
}

interface Relayed {
  readonly perSecond: number;
  /** Of processor time, for each event. */
  readonly microseconds: number;
}

/** Relays all of the log into an empty target. */
async function relay(connectionString: string): Promise<Relayed> {
  await beginAnew(connectionString);
  const double = startDouble();
  try {
    const url = await addressOf(double);
    const began = performance.now();
    const before = process.cpuUsage();
    return await withDaybook({ connectionString, relay: { url } }, async (daybook) => {
      for (;;) {
        const all = await daybook.consumers.list();
        const found = all.find(({ name }) => name === 'relay');
        if (found !== undefined && found.position === found.head) {
          const events = Number(found.head);
          const { user, system } = process.cpuUsage(before);
          const perSecond = events / ((performance.now() - began) / 1_000);
          return { perSecond, microseconds: (user + system) / events };
        }
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    });
  } finally {
    double.stdin?.end();
    await once(double, 'exit');
  }
}

async function beginAnew(connectionString: string): Promise<void> {
  const client = new pg.Client({ connectionString, options: '-c search_path=daybook' });
  await client.connect();
  await client.query(`delete from consumer_checkpoints where name = 'relay'`);
  await client.end();
}

function startDouble(): ChildProcess {
  const file = '../../test/support/kurrent-double/double-process.ts';
  const program = fileURLToPath(new URL(file, import.meta.url));
  return spawn(process.execPath, ['--import', 'tsx', program], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
}

async function addressOf(double: ChildProcess): Promise<string> {
  let text = '';
  for await (const piece of double.stdout ?? []) {
    text += String(piece);
    const line = /^(esdb:\S+)\n/m.exec(text)?.[1];
    if (line !== undefined) return line;
  }
  throw new Error('The double ended before it said where it is.');
}
