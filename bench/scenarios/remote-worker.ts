import { httpRequest, type HttpConnections } from '../measure/http-connection.ts';
import { medianGoal } from '../report/figures.ts';
import { batchRequest } from './http-batches.ts';
import { overHttp } from './http-submits.ts';
import type { Scenario, Series } from '../scenario.ts';

const CLAIM = 500;
/** Workers, each with a session of its own. */
const WORKERS = 4;

/** A worker in another process, in any language. */
export const remoteWorker: Scenario = {
  name: 'remote',
  title: `Remote workers over HTTP: ${WORKERS} claim and complete ${CLAIM} jobs at a time`,
  alone: true,
  async measure(bench) {
    const batches = bench.quick ? 4 : 100;
    const values: number[] = [];
    const notes = new Set<string>();
    for (let run = 1; run <= bench.runs; run += 1) {
      notes.add(
        await overHttp(bench, async (connections) => {
          for (let n = 0; n < batches; n += 1) await connections.send(batchRequest);
          const from = performance.now();
          const workers = Array.from({ length: WORKERS }, () => workAll(connections));
          const done = (await Promise.all(workers)).reduce((sum, jobs) => sum + jobs, 0);
          values.push((done * 1_000) / (performance.now() - from));
        }),
      );
      bench.tell(`Remote workers, run ${run} of ${bench.runs}`);
    }
    const series: Series[] = [{ name: 'Daybook', unit: 'jobs/s', values }];
    return {
      series,
      goals: medianGoal(series, { name: 'Daybook', unit: 'jobs/s' }, { atLeast: 15_000 }),
      notes: [...notes],
    };
  },
};

interface Claim {
  readonly session: string;
  readonly jobs: readonly { readonly id: string; readonly leaseToken: string }[];
}

interface Outcomes {
  readonly items: readonly { readonly outcome: string }[];
}

/** Claims and completes until nothing is left. @returns how many jobs */
async function workAll(connections: HttpConnections): Promise<number> {
  let session: string | undefined;
  for (let done = 0; ; ) {
    const claim: Claim = await ask(connections, '/v1/queues/bench/claim', {
      worker: 'bench',
      limit: CLAIM,
      ...(session === undefined ? {} : { session }),
    });
    if (claim.jobs.length === 0) return done;
    session = claim.session;
    const items = claim.jobs.map(({ id, leaseToken }) => ({ jobId: id, leaseToken }));
    const outcomes: Outcomes = await ask(connections, '/v1/claims/complete', { items });
    done += outcomes.items.filter(({ outcome }) => outcome === 'recorded').length;
  }
}

async function ask<Answer>(
  connections: HttpConnections,
  path: string,
  content: object,
): Promise<Answer> {
  const { status, body } = await connections.send(httpRequest('POST', path, content));
  if (status >= 300) throw new Error(`${path} answered ${status}: ${body}`);
  return JSON.parse(body) as Answer;
}
