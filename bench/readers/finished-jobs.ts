import { z } from 'zod';
import { atRate } from '../measure/at-rate.ts';
import { type HttpConnections, httpRequest, openConnections } from '../measure/http-connection.ts';
import { quantile } from '../measure/quantile.ts';
import { loadPackage, withDaybook } from '../package.ts';
import type { Bench, Findings, Goal, Scenario, Series } from '../scenario.ts';
import { startServer } from '../servers/daybook-server.ts';
import { verifyDatabase } from '../verify.ts';
import { caughtUp } from './caught-up.ts';

const BATCH = 1_000;
const QUEUES = 10;
const PER_SECOND = 50;
/**
 * Of each kind before the clock runs, for a fifth of the time: a server that has just started takes 0.5 ms
 * more for an answer until it has given some hundred, and whatever is asked first would pay for it.
 */
const WARM_UP_PER_SECOND = 200;

/** What people ask about jobs, where there are a great many that have ended. */
export const finishedJobs: Scenario = {
  name: 'reads',
  title: `Answers over HTTP where many jobs have ended, ${PER_SECOND} requests/s of each kind`,
  alone: true,
  async measure(bench) {
    const jobs = bench.quick ? 2_000 : 2_000_000;
    const database = await bench.postgres.makeDatabase();
    try {
      const ids = await finish(bench, database.url, jobs);
      const findings = await answers(database.url, ids, bench.quick ? 1 : 10);
      const told = `${jobs.toLocaleString('en')} jobs had ended.`;
      return { ...findings, notes: [told, await verifyDatabase(database.url)] };
    } finally {
      await database.drop();
    }
  },
};

/** Runs so many jobs to their end, one in a hundred of which dies. @returns some of their ids */
async function finish(bench: Bench, connectionString: string, jobs: number): Promise<string[]> {
  const { defineJob } = await loadPackage();
  const some = defineJob({
    type: 'some',
    payload: z.object({ n: z.number() }),
    maxAttempts: 1,
    handler({ n }) {
      if (n % 100 === 0) throw new Error(`Number ${n} is not wanted`);
    },
  });
  return withDaybook({ connectionString, migrate: true, jobs: [some] }, async (daybook) => {
    const queues = Array.from({ length: QUEUES }, (_, n) => `bench-${n}`);
    await daybook.worker({ queues, concurrency: 100 }).start();
    const ids: string[] = [];
    for (let first = 0; first < jobs; first += BATCH) {
      const queue = queues[(first / BATCH) % QUEUES];
      const batch = Array.from({ length: BATCH }, (_, n) => ({
        type: 'some',
        queue,
        payload: { n: first + n },
      }));
      const submitted = await daybook.submitMany(batch);
      ids.push(submitted[first % (BATCH - 1)]?.id ?? '');
      if (first % 100_000 === 0) {
        bench.tell(`${first.toLocaleString('en')} of ${jobs.toLocaleString('en')} jobs submitted`);
      }
    }
    await caughtUp(daybook);
    return ids;
  });
}

/** Kinds of questions, and how soon they should be answered; `id` is that of some job. */
const questions: readonly { name: string; path: (id: string) => string; p95Ms: number }[] = [
  { name: 'One job by its id', path: (id) => `/v1/jobs/${id}`, p95Ms: 5 },
  { name: 'Its history', path: (id) => `/v1/jobs/${id}/events`, p95Ms: 50 },
  { name: 'List of completed jobs', path: () => '/v1/jobs?state=completed&pageSize=50', p95Ms: 50 },
  {
    name: 'List of dead jobs of a queue',
    path: () => '/v1/jobs?queue=bench-3&state=dead&pageSize=50',
    p95Ms: 50,
  },
  { name: 'List of jobs of a type', path: () => '/v1/jobs?type=some&pageSize=50', p95Ms: 50 },
  { name: 'All queues with their counters', path: () => '/v1/queues', p95Ms: 50 },
  { name: 'One queue with its counters', path: () => '/v1/queues/bench-3', p95Ms: 50 },
  { name: 'Statistics by the minute', path: () => '/v1/stats', p95Ms: 50 },
  { name: 'Groups of failures', path: () => '/v1/failures', p95Ms: 50 },
];

async function answers(
  connectionString: string,
  ids: readonly string[],
  seconds: number,
): Promise<Findings> {
  const server = await startServer(connectionString);
  const connections = await openConnections(server.url, 8);
  const series: Series[] = [];
  const goals: Goal[] = [];
  try {
    for (const { name, path, p95Ms } of questions) {
      const samples = await delaysOf(connections, (n) => path(ids[n % ids.length] ?? ''), seconds);
      const p95 = quantile(samples, 0.95);
      series.push({ name, unit: 'p50 ms', values: [quantile(samples, 0.5)] });
      series.push({ name, unit: 'p95 ms', values: [p95] });
      goals.push({ what: `${name}: p95`, value: p95, bound: { below: p95Ms }, unit: 'ms' });
    }
    return { series, goals };
  } finally {
    connections.close();
    await server.stop();
  }
}

async function delaysOf(
  connections: HttpConnections,
  path: (n: number) => string,
  seconds: number,
): Promise<number[]> {
  const samples: number[] = [];
  let n = 0;
  const ask = async () => {
    const request = httpRequest('GET', path((n += 1)));
    const at = performance.now();
    const { status, body } = await connections.send(request);
    samples.push(performance.now() - at);
    if (status !== 200) throw new Error(`${path(n)} answered ${status}: ${body}`);
  };
  await atRate(WARM_UP_PER_SECOND, seconds / 5, ask);
  samples.length = 0;
  await atRate(PER_SECOND, seconds, ask);
  return samples;
}
