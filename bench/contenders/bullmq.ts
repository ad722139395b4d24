import { loadPeer } from '../peers/load-peer.ts';
import { byQueue } from './by-queue.ts';
import type { BenchJob, Contender } from './contender.ts';
import { createTally } from './tally.ts';

/** What is used of BullMQ. */
interface Api {
  readonly Queue: new (name: string, options: object) => Queue;
  readonly Worker: new (
    name: string,
    processor: (job: { readonly data: object }) => Promise<void>,
    options: object,
  ) => Worker;
}

interface Queue {
  waitUntilReady(): Promise<unknown>;
  add(name: string, data: object, options: object): Promise<unknown>;
  addBulk(jobs: readonly object[]): Promise<unknown>;
  close(): Promise<void>;
}

interface Worker {
  on(event: 'completed', listener: () => void): void;
  on(event: 'error', listener: (error: Error) => void): void;
  waitUntilReady(): Promise<unknown>;
  close(): Promise<void>;
}

const CONCURRENCY = 100;

/** Jobs are kept once they are completed, as is its default. */
export const bullmq: Contender = {
  async open({ redisPort, queues }) {
    const { Queue, Worker } = await loadPeer<Api>('bullmq');
    const connection = { host: '127.0.0.1', port: redisPort, maxRetriesPerRequest: null };
    const opened = new Map(queues.map((name) => [name, new Queue(name, { connection })]));
    await Promise.all([...opened.values()].map((queue) => queue.waitUntilReady()));
    const queueOf = (name: string) => {
      const queue = opened.get(name);
      if (queue === undefined) throw new Error(`There is no queue ${name}.`);
      return queue;
    };
    return {
      lanes: 2,
      submit: (job) => queueOf(job.queue).add('noop', job.payload, options(job)),
      async submitMany(jobs) {
        await Promise.all(
          byQueue(jobs).map(([queue, some]) =>
            queueOf(queue).addBulk(
              some.map((job) => ({ name: 'noop', data: job.payload, opts: options(job) })),
            ),
          ),
        );
      },
      async work(_workers, started) {
        const ran = createTally();
        const recorded = createTally();
        const processor = async ({ data }: { readonly data: object }) => {
          ran.add(1);
          started(data);
        };
        const workers = queues.map((queue) => {
          const worker = new Worker(queue, processor, { connection, concurrency: CONCURRENCY });
          worker.on('completed', () => recorded.add(1));
          worker.on('error', (error) => console.error(`bullmq: ${error.message}`));
          return worker;
        });
        await Promise.all(workers.map((worker) => worker.waitUntilReady()));
        return {
          get ran() {
            return ran.count;
          },
          hasRun: (jobs) => ran.reached(jobs),
          recorded: () => recorded.reached(ran.count),
          async stop() {
            await Promise.all(workers.map((worker) => worker.close()));
          },
        };
      },
      async close() {
        await Promise.all([...opened.values()].map((queue) => queue.close()));
      },
    };
  },
};

/** Its priorities begin at 1; 0 is for jobs that have none, and come before all that have. */
function options({ priority, delayMs }: BenchJob): object {
  return {
    ...(priority === undefined ? {} : { priority: priority + 1 }),
    ...(delayMs === undefined ? {} : { delay: delayMs }),
  };
}
