import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { atRate } from '../measure/at-rate.ts';
import { httpRequest, type HttpConnections, openConnections } from '../measure/http-connection.ts';
import { quantile } from '../measure/quantile.ts';
import { type Daybook, loadPackage, withDaybook } from '../package.ts';
import type { Scenario, Series } from '../scenario.ts';
import { startServer } from '../servers/daybook-server.ts';
import { caughtUp } from './caught-up.ts';
import { projectionThroughput } from './projection-throughput.ts';

const LAG_RATE = 5_000;

/** How fast read models follow, and are built anew. */
export const readModels: Scenario = {
  name: 'models',
  title: 'Read models: their lag under load, rebuilds beside load, and how fast each reads',
  alone: true,
  async measure({ quick, postgres }) {
    const events = quick ? 10_000 : 1_000_000;
    const seconds = quick ? 1 : 10;
    const database = await postgres.makeDatabase();
    const { defineJob } = await loadPackage();
    const noop = defineJob({ type: 'noop', payload: z.unknown(), handler: () => undefined });
    const connectionString = database.url;
    try {
      const lag = await withDaybook({ connectionString, migrate: true, jobs: [noop] }, (daybook) =>
        lagAtRate(daybook, events, seconds),
      );
      const rebuilt = await rebuildUnderLoad(connectionString, seconds);
      // Without a projector, which would read for these builds as well.
      const rates = await withDaybook({ connectionString, maintain: false }, readingRates);
      return { series: [...lag, ...rebuilt.series, ...rates], goals: [], notes: rebuilt.notes };
    } finally {
      await database.drop();
    }
  },
};

/** Fills the log, and looks at the lag of the slowest read model every 20 ms while it grows on. */
async function lagAtRate(daybook: Daybook, events: number, seconds: number): Promise<Series[]> {
  await daybook.worker({ concurrency: 100 }).start();
  for (let submitted = 0; submitted * 3 < events; submitted += 1_000) {
    await daybook.submitMany(Array.from({ length: 1_000 }, () => ({ type: 'noop' })));
  }
  await caughtUp(daybook);
  const samples: number[] = [];
  const load = atRate(LAG_RATE / 50, seconds, async () => {
    await daybook.submitMany(Array.from({ length: 50 }, () => ({ type: 'noop' })));
  });
  const watch = atRate(50, seconds, async () => {
    const lags = await daybook.consumers.list();
    samples.push(Math.max(...lags.map(({ lagSeconds }) => lagSeconds * 1_000)));
  });
  await Promise.all([load, watch]);
  await caughtUp(daybook);
  const name = `Lag of the slowest read model at ${LAG_RATE.toLocaleString('en')} jobs/s`;
  return quantiles(name, samples);
}

interface Build {
  readonly name: string;
  readonly role: string;
  readonly head: string;
}

/** Builds every read model anew in a `daybook start` process that answers 200 requests a second. */
async function rebuildUnderLoad(connectionString: string, seconds: number) {
  const server = await startServer(connectionString);
  const connections = await openConnections(server.url, 32);
  try {
    const paths = ['/v1/jobs?pageSize=20', '/v1/queues', '/v1/queues/default', '/v1/projections'];
    const questions = paths.map((path) => httpRequest('GET', path));
    const submission = httpRequest('POST', '/v1/jobs', { type: 'noop', queue: 'load' });
    const [samples, refused] = [[] as number[], [] as number[]];
    let turn = 0;
    const ask = async () => {
      const at = performance.now();
      const question = questions[(turn += 1) % questions.length] ?? submission;
      const { status } = await connections.send(question);
      samples.push(performance.now() - at);
      if (status >= 500) refused.push(status);
    };
    const submit = async () => {
      await connections.send(submission);
    };
    await atRate(100, seconds / 5, ask);
    samples.length = 0;
    const before = await listBuilds(connections);
    const began = performance.now();
    for (const { name } of before) {
      await connections.send(httpRequest('POST', `/v1/projections/${name}/rebuild`));
    }
    const rebuilt = new AbortController();
    let rebuiltMs = 0;
    const load = async () => {
      do await Promise.all([atRate(150, seconds / 5, ask), atRate(50, seconds / 5, submit)]);
      while (!rebuilt.signal.aborted);
    };
    const untilBuilt = async () => {
      while ((await listBuilds(connections)).some(({ role }) => role === 'building'))
        await sleep(100);
      rebuiltMs = performance.now() - began;
      rebuilt.abort();
    };
    await Promise.all([load(), untilBuilt()]);
    const head = Number(before[0]?.head ?? 0).toLocaleString('en');
    const name = `Rebuild of ${before.length} read models over ${head} events beside 200 requests/s`;
    return {
      series: [
        { name, unit: 's', values: [rebuiltMs / 1_000] },
        ...quantiles('Answers meanwhile', samples),
      ],
      notes: [
        `${samples.length} answers while read models were rebuilt, ${refused.length} of them 5xx.`,
      ],
    };
  } finally {
    connections.close();
    await server.stop();
  }
}

async function listBuilds(connections: HttpConnections): Promise<Build[]> {
  const { body } = await connections.send(httpRequest('GET', '/v1/projections'));
  return (JSON.parse(body) as { readonly data: Build[] }).data;
}

async function readingRates(daybook: Daybook): Promise<Series[]> {
  const head = (await daybook.consumers.list())[0]?.head ?? 0n;
  const rates = await projectionThroughput(daybook.context.database, head);
  return [...rates].map(([name, rate]) => ({ name, unit: 'events/s', values: [rate] }));
}

function quantiles(name: string, samples: readonly number[]): Series[] {
  return [0.5, 0.99].map((q) => ({ name, unit: `p${q * 100} ms`, values: [quantile(samples, q)] }));
}
