import { closedLoop } from '../measure/closed-loop.ts';
import { httpRequest } from '../measure/http-connection.ts';
import { medianGoal } from '../report/figures.ts';
import { overHttp } from './http-submits.ts';
import type { Scenario, Series } from '../scenario.ts';

const BATCH = 1_000;
const LANES = 4;

/** Jobs as a request that submits them all. */
export const batchRequest = httpRequest('POST', '/v1/jobs/batch', {
  jobs: Array.from({ length: BATCH }, (_, n) => ({
    type: 'bench',
    queue: 'bench',
    payload: { n },
  })),
});

/** Submissions of many jobs in one request. */
export const httpBatches: Scenario = {
  name: 'batch',
  title: `Submits over HTTP in batches of ${BATCH.toLocaleString('en')}, ${LANES} at a time`,
  alone: true,
  async measure(bench) {
    const values: number[] = [];
    const notes = new Set<string>();
    for (let run = 1; run <= bench.runs; run += 1) {
      notes.add(
        await overHttp(bench, async (connections) => {
          const submit = async () => {
            const { status, body } = await connections.send(batchRequest);
            if (status !== 201) throw new Error(`The server answered ${status}: ${body}`);
          };
          await closedLoop(LANES, bench.quick ? 0.2 : 1, submit);
          const { samples, ms } = await closedLoop(LANES, bench.quick ? 0.5 : 5, submit);
          values.push((samples.length * BATCH * 1_000) / ms);
        }),
      );
      bench.tell(`Batches over HTTP, run ${run} of ${bench.runs}`);
    }
    const series: Series[] = [{ name: 'Daybook', unit: 'jobs/s', values }];
    return {
      series,
      goals: medianGoal(series, { name: 'Daybook', unit: 'jobs/s' }, { atLeast: 40_000 }),
      notes: [...notes],
    };
  },
};
