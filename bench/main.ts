import { rm } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { startEmbeddedPostgres } from '../src/embedded/embedded-postgres.ts';
import { firstEvent } from './first-event.ts';
import { fullCycle } from './full-cycle.ts';
import { httpSubmit } from './http-submit.ts';
import { describeMachine } from './machine.ts';
import { loadPackage } from './package.ts';
import { latencies, median } from './quantile.ts';
import { readModels } from './read-models.ts';
import { subscribers } from './subscribers.ts';
import { submitToStart } from './submit-to-start.ts';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    runs: { type: 'string', default: '3' },
    jobs: { type: 'string', default: '100000' },
    events: { type: 'string', default: '1000000' },
    only: { type: 'string' },
  },
});
const jobs = values.quick ? 10_000 : Number(values.jobs);
const runs = values.quick ? 1 : Number(values.runs);
const seconds = values.quick ? 3 : 10;

/** Each run has a schema of its own, so that none works in the leavings of another. */
let schemas = 0;
const nextSchema = () => `bench_${(schemas += 1)}`;

const daybook = await loadPackage();
const dataFolder = `.daybook/bench-${process.pid}`;
const server = process.env['DATABASE_URL'];
const postgres =
  server === undefined
    ? await startEmbeddedPostgres({ dataFolder: `${dataFolder}/postgres` })
    : undefined;
const url = server ?? postgres?.connectionString ?? '';
try {
  const pool = new pg.Pool({ connectionString: url });
  for (const line of await describeMachine(pool)) console.log(line);
  await pool.end();
  const wanted = (name: string) => values.only === undefined || values.only === name;
  if (wanted('http')) {
    const samples = await httpSubmit(url, nextSchema(), 500, seconds);
    console.log(`http       submit at 500/s: ${latencies(samples)}`);
  }
  if (wanted('start')) {
    const samples = await submitToStart(daybook, url, nextSchema(), 200, seconds);
    console.log(`start      submit to start at 200/s: ${latencies(samples)}`);
  }
  if (wanted('models')) {
    const events = values.quick ? 30_000 : Number(values.events);
    const lines = await readModels(daybook, url, nextSchema(), events, seconds);
    for (const line of lines) console.log(line);
  }
  if (wanted('subscribers')) {
    const result = await subscribers(daybook, url, nextSchema(), 200, 2_000, values.quick ? 5 : 60);
    const { events, gaps, duplicates, missing, grownBytes, delays } = result;
    console.log(
      `subscribers 200 SSE clients, one stuck, 2,000 events/s, ${events.toLocaleString('en')} events: ${gaps} gaps, ${duplicates} duplicates, ${missing} missing, RSS grew ${(grownBytes / 2 ** 20).toFixed(0)} MB, behind the head: ${latencies(delays)}`,
    );
  }
  if (wanted('first')) {
    const events = values.quick ? 100_000 : 1_000_000;
    const samples = await firstEvent(url, nextSchema(), events, 20);
    console.log(
      `first      first event at position 1 of ${events.toLocaleString('en')}: ${latencies(samples)}`,
    );
  }
  if (wanted('cycle')) {
    const rates: number[] = [];
    for (let run = 0; run < runs; run += 1) {
      rates.push(await fullCycle(daybook, url, nextSchema(), jobs));
    }
    const all = rates.map((rate) => Math.round(rate).toLocaleString('en')).join(', ');
    const middle = Math.round(median(rates)).toLocaleString('en');
    console.log(
      `cycle      submit, claim, complete, read models caught up: ${middle} jobs/s (median of ${all}; ${jobs.toLocaleString('en')} jobs each)`,
    );
  }
} finally {
  await postgres?.stop();
  await rm(dataFolder, { recursive: true, force: true });
  if (postgres !== undefined) await rm(postgres.dataFolder, { recursive: true, force: true });
}
