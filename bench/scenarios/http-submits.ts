import { atRate } from '../measure/at-rate.ts';
import { closedLoop } from '../measure/closed-loop.ts';
import { type HttpConnections, httpRequest, openConnections } from '../measure/http-connection.ts';
import { quantile } from '../measure/quantile.ts';
import { startServer } from '../servers/daybook-server.ts';
import { verifyDatabase } from '../verify.ts';
import { medianGoal } from '../report/figures.ts';
import type { Bench, Scenario, Series } from '../scenario.ts';

const CONNECTIONS = 32;
const PER_SECOND = [500, 2_000];

/** Single submissions over HTTP. */
export const httpSubmits: Scenario = {
  name: 'http',
  title: `Submits over HTTP, keep-alive, ${CONNECTIONS} connections`,
  alone: true,
  async measure(bench) {
    const series = new Map<string, Series>();
    const add = (name: string, unit: string, value: number) => {
      const values = series.get(name + unit)?.values ?? [];
      series.set(name + unit, { name, unit, values: [...values, value] });
    };
    const notes = new Set<string>();
    for (let run = 1; run <= bench.runs; run += 1) {
      notes.add(
        await overHttp(bench, async (connections) => {
          const submit = () => submitOne(connections);
          await closedLoop(CONNECTIONS, bench.quick ? 0.5 : 2, submit);
          const { samples, ms } = await closedLoop(CONNECTIONS, seconds(bench), submit);
          add('Daybook, as fast as it goes', 'submits/s', (samples.length / ms) * 1_000);
          add('Daybook, as fast as it goes', 'p99 ms', quantile(samples, 0.99));
          for (const perSecond of PER_SECOND) {
            const delays = await delaysAt(perSecond, seconds(bench), submit);
            add(`Daybook, ${perSecond}/s`, 'p50 ms', quantile(delays, 0.5));
            add(`Daybook, ${perSecond}/s`, 'p99 ms', quantile(delays, 0.99));
          }
        }),
      );
      bench.tell(`Submits over HTTP, run ${run} of ${bench.runs}`);
    }
    const found = [...series.values()];
    return {
      series: found,
      goals: [
        ...medianGoal(
          found,
          { name: 'Daybook, as fast as it goes', unit: 'submits/s' },
          { atLeast: 6_000 },
        ),
        ...medianGoal(found, { name: 'Daybook, 2000/s', unit: 'p99 ms' }, { below: 10 }),
      ],
      notes: [...notes],
    };
  },
};

function seconds({ quick }: Bench): number {
  return quick ? 1 : 5;
}

const one = httpRequest('POST', '/v1/jobs', {
  type: 'bench',
  queue: 'bench',
  payload: { hello: 'world' },
});

async function submitOne(connections: HttpConnections): Promise<void> {
  const { status, body } = await connections.send(one);
  if (status !== 201) throw new Error(`The server answered ${status}: ${body}`);
}

async function delaysAt(perSecond: number, duration: number, submit: () => Promise<void>) {
  const samples: number[] = [];
  await atRate(perSecond, duration, async () => {
    const at = performance.now();
    await submit();
    samples.push(performance.now() - at);
  });
  return samples;
}

/**
 * Has a `daybook start` process of its own, on a new database, answer what `work` sends.
 * @returns a sentence on how verifying the database went
 */
export async function overHttp(
  { postgres }: Bench,
  work: (connections: HttpConnections) => Promise<void>,
): Promise<string> {
  const database = await postgres.makeDatabase();
  try {
    const server = await startServer(database.url);
    try {
      const connections = await openConnections(server.url, CONNECTIONS);
      await work(connections);
      connections.close();
    } finally {
      await server.stop();
    }
    return await verifyDatabase(database.url);
  } finally {
    await database.drop();
  }
}
