import { setTimeout as sleep } from 'node:timers/promises';
import { loadPeer } from '../peers/load-peer.ts';
import { byQueue } from './by-queue.ts';
import type { BenchJob, Contender, OpenContender, Place } from './contender.ts';
import { shareOut } from './share-out.ts';
import { createTally } from './tally.ts';

/** What is used of pg-boss. */
interface Api {
  readonly PgBoss: new (options: object) => Boss;
}

interface Boss {
  on(event: 'error', listener: (error: unknown) => void): void;
  start(): Promise<unknown>;
  stop(options: object): Promise<void>;
  createQueue(name: string, options: object): Promise<void>;
  send(name: string, data: object, options: object): Promise<unknown>;
  insert(name: string, jobs: readonly object[]): Promise<unknown>;
  fetch(name: string, options: object): Promise<readonly Job[]>;
  complete(name: string, ids: readonly string[]): Promise<unknown>;
  work(
    name: string,
    options: object,
    handler: (jobs: readonly Job[]) => Promise<void>,
  ): Promise<string>;
  offWork(name: string, options: object): Promise<void>;
}

interface Job {
  readonly id: string;
  readonly data: object;
}

const BATCH = 500;
/** Between fetches that come back empty. */
const EMPTY_MS = 5;
/** Inserts on their way at the same time, and fetches: while one batch is completed, the next is fetched. */
const LANES = 2;

/** Its workers: batches, fetched again at once while they come back full, and woken by NOTIFY. */
export const pgBossWork: Contender = {
  async open(place) {
    const boss = await openBoss(place);
    const options = {
      batchSize: BATCH,
      localConcurrency: LANES,
      pollingIntervalSeconds: 0.5,
      notifyPollingIntervalSeconds: 0.5,
      burstWhenBatchFull: true,
    };
    return {
      ...desk(boss),
      async work(_workers, started) {
        const ran = createTally();
        const handler = async (jobs: readonly Job[]) => {
          for (const { data } of jobs) started(data);
          ran.add(jobs.length);
        };
        await Promise.all(place.queues.map((queue) => boss.work(queue, options, handler)));
        const stop = async () => {
          await Promise.all(place.queues.map((queue) => boss.offWork(queue, { wait: true })));
        };
        return {
          get ran() {
            return ran.count;
          },
          hasRun: (jobs) => ran.reached(jobs),
          // A worker that was told to stop ends when the batch it has is completed.
          recorded: stop,
          stop,
        };
      },
    };
  },
};

/** Its raw verbs, fetch and complete, in a loop of our own. */
export const pgBossFetch: Contender = {
  async open(place) {
    const boss = await openBoss(place);
    return {
      ...desk(boss),
      async work(_workers, started) {
        const ran = createTally();
        const recorded = createTally();
        const stopped = new AbortController();
        const work = async (queue: string): Promise<number> => {
          const jobs = await boss.fetch(queue, { batchSize: BATCH });
          if (jobs.length === 0) return 0;
          for (const { data } of jobs) started(data);
          ran.add(jobs.length);
          const ids = jobs.map(({ id }) => id);
          await boss.complete(queue, ids);
          recorded.add(jobs.length);
          return jobs.length;
        };
        const loop = async (queues: readonly string[]) => {
          while (!stopped.signal.aborted) {
            let found = 0;
            for (const queue of queues) found += await work(queue);
            if (found === 0) await sleep(EMPTY_MS);
          }
        };
        const { queues } = place;
        const lanes = Array.from({ length: LANES }, () => queues);
        const loops = (queues.length < LANES ? lanes : shareOut(queues, LANES)).map(loop);
        return {
          get ran() {
            return ran.count;
          },
          hasRun: (jobs) => ran.reached(jobs),
          recorded: () => recorded.reached(ran.count),
          async stop() {
            stopped.abort();
            await Promise.all(loops);
          },
        };
      },
    };
  },
};

async function openBoss({ postgresUrl, queues }: Place): Promise<Boss> {
  const { PgBoss } = await loadPeer<Api>('pg-boss');
  const boss = new PgBoss({
    connectionString: postgresUrl,
    schedule: false,
    useListenNotify: true,
  });
  boss.on('error', (error) => console.error('pg-boss:', error));
  await boss.start();
  for (const queue of queues) await boss.createQueue(queue, { notify: true });
  return boss;
}

function desk(boss: Boss): Pick<OpenContender, 'lanes' | 'submit' | 'submitMany' | 'close'> {
  return {
    lanes: LANES,
    submit: (job) => boss.send(job.queue, job.payload, jobOptions(job)),
    async submitMany(jobs) {
      await Promise.all(
        byQueue(jobs).map(([queue, some]) =>
          boss.insert(
            queue,
            some.map((job) => ({ data: job.payload, ...jobOptions(job) })),
          ),
        ),
      );
    },
    close: () => boss.stop({ graceful: true }),
  };
}

/** Where a higher number runs first. */
function jobOptions({ priority, delayMs }: BenchJob): object {
  return {
    ...(priority === undefined ? {} : { priority: 9 - priority }),
    ...(delayMs === undefined ? {} : { startAfter: new Date(Date.now() + delayMs) }),
  };
}
