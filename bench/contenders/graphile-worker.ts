import type { EventEmitter } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadPeer } from '../peers/load-peer.ts';
import type { BenchJob, Contender } from './contender.ts';
import { createTally } from './tally.ts';

/** What is used of graphile-worker. */
interface Api {
  readonly Logger: new (factory: () => (level: string, message: string) => void) => object;
  makeWorkerUtils(options: object): Promise<Utils>;
  run(options: object): Promise<{ readonly events: EventEmitter; stop(): Promise<void> }>;
}

interface Utils {
  migrate(): Promise<void>;
  addJob(task: string, payload: object, spec: object): Promise<unknown>;
  addJobs(jobs: readonly object[]): Promise<unknown>;
  withPgClient<T>(work: (client: Client) => Promise<T>): Promise<T>;
  release(): Promise<void>;
}

interface Client {
  query(text: string): Promise<{ readonly rowCount: number }>;
}

/** As its page on performance has it: a local queue, and completions and failures in batches. */
const batching = {
  concurrentJobs: 24,
  maxPoolSize: 25,
  localQueue: { size: 500 },
  completeJobBatchDelay: 0,
  failJobBatchDelay: 0,
};

/** A queue of the benchmark is a task: what graphile-worker calls a queue runs one job at a time. */
export const graphileWorker: Contender = {
  async open({ postgresUrl, queues }) {
    const { Logger, makeWorkerUtils, run } = await loadPeer<Api>('graphile-worker');
    const logger = new Logger(() => (level, message) => {
      if (level === 'error') console.error(`graphile-worker: ${message}`);
    });
    const preset = { worker: { connectionString: postgresUrl, logger, ...batching } };
    const utils = await makeWorkerUtils({ preset });
    await utils.migrate();
    return {
      lanes: 1,
      submit: (job) => utils.addJob(job.queue, job.payload, spec(job)),
      submitMany: (jobs) =>
        utils.addJobs(
          jobs.map((job) => ({ identifier: job.queue, payload: job.payload, ...spec(job) })),
        ),
      async work(workers, started) {
        const ran = createTally();
        const task = (payload: object) => {
          ran.add(1);
          started(payload);
        };
        const taskList = Object.fromEntries(queues.map((queue) => [queue, task]));
        const worker = { ...preset.worker, concurrentJobs: Math.max(24, workers) };
        const runner = await run({ preset: { worker }, taskList, noHandleSignals: true });
        return {
          get ran() {
            return ran.count;
          },
          hasRun: (jobs) => ran.reached(jobs),
          recorded: () => noneLocked(utils),
          stop: () => runner.stop(),
        };
      },
      close: () => utils.release(),
    };
  },
};

function spec({ priority, delayMs }: BenchJob): object {
  return {
    ...(priority === undefined ? {} : { priority }),
    ...(delayMs === undefined ? {} : { runAt: new Date(Date.now() + delayMs) }),
  };
}

/** Its event `job:complete` comes before a batch of completions is written, so the table is asked. */
async function noneLocked(utils: Utils): Promise<void> {
  const locked = 'select from graphile_worker.jobs where locked_at is not null limit 1';
  while ((await utils.withPgClient((client) => client.query(locked))).rowCount > 0) await sleep(2);
}
