import { isDeepStrictEqual } from 'node:util';
import { hasEnded } from '../../src/domain/job/state.ts';
import { createSafetyCheck, type SafetyReport } from '../../src/verify/safety/safety-check.ts';
import { sortClientRecords } from '../../src/verify/safety/witnesses/client-records.ts';
import { createChance } from './chance.ts';
import { type Clients, operate, submit, turnQueue } from './clients.ts';
import { sequence, takeCare } from './house-keepers.ts';
import { createQueue } from './model/change-queue.ts';
import type { Mutation } from './model/mutations.ts';
import type { LogRow, Tables } from './model/tables.ts';
import { type FaultPlan, FAULTS_UNTIL_MS, type RunPlan, type Scenario } from './scenario.ts';
import { calm, createServer } from './server.ts';
import { createWitnessBook } from './witness-book.ts';
import { sleep, startWorker, type Worker } from './worker.ts';
import { BEGINNING, createWorld, type Steps } from './world.ts';

/** What came of a run. */
export interface Simulated {
  readonly report: SafetyReport;
  readonly log: readonly LogRow[];
  /** Rows that are not what their stream says. */
  readonly wrongRows: readonly string[];
}

/** After the faults have stopped, everything must have come to its end within this time. */
const HEALING_MS = 120_000;
const AFTERMATH_MS = 3_000;
/** Dead workers are started again, in ms. */
const SUPERVISION_MS = 1_000;

/**
 * Plays a scenario on a **model** of Daybook, and lets the auditor judge what came of it. What is real
 * here: `decideJob`, `evolveJob`, the retry policy, and the auditor. What is a model, and only as good as
 * it is faithful: the statements of src/store (see ./model, with their guards, locks, snapshots and
 * numbers, at READ COMMITTED), and the workers, caretakers and sequencers that call them. The tests
 * against Postgres and the chaos runs are what hold the model to the truth.
 */
export function simulate(scenario: Scenario, mutation: Mutation | null = null): Simulated {
  const world = createWorld();
  const chance = createChance(scenario.seed);
  const server = createServer(world, chance, mutation);
  const book = createWitnessBook();
  const clients: Clients = { world, chance, server, book };
  const house = world.group();
  const { model } = server;

  const setUp = server.link();
  for (const name of ['a', 'b']) {
    const streamId = model.newId();
    house.spawn(setUp.call((tx) => createQueue(tx, name, streamId)));
  }
  world.run(BEGINNING + 100, () => model.tables.queues.size === 2);
  server.weather = scenario.weather;
  for (let twice = 0; twice < 2; twice += 1) {
    house.spawn(takeCare(clients));
    house.spawn(sequence(clients));
  }
  const jobIds = scenario.jobs.map(() => model.newId());
  for (const [index, plan] of scenario.jobs.entries()) {
    house.spawn(submit(clients, jobIds[index] ?? '', plan));
  }
  for (const plan of scenario.operator) {
    house.spawn(operate(clients, plan, jobIds[plan.job % jobIds.length] ?? ''));
  }
  const nextRun = runsOf(scenario, jobIds);
  const start = () => startWorker({ ...clients, nextRun });
  const workers = Array.from({ length: scenario.workers }, start);
  house.spawn(supervise());
  for (const fault of scenario.faults) {
    world.after(fault.atMs, () => strike(fault));
  }
  world.run(BEGINNING + FAULTS_UNTIL_MS + 8_000, () => false);

  server.weather = calm;
  for (const queue of ['a', 'b']) house.spawn(turnQueue(clients, setUp, queue, 'resume'));
  for (const worker of workers) heal(worker);
  const wrongRows = wrongRowsOf(model.tables);
  const isOver = () => model.tables.claims.size === 0 && model.tables.inbox.size === 0;
  world.run(world.nowMs + HEALING_MS, isOver);
  // What is still under way may bring a job back.
  world.run(world.nowMs + AFTERMATH_MS, () => false);
  world.run(world.nowMs + HEALING_MS, isOver);
  wrongRows.push(...wrongRowsOf(model.tables));
  return { report: audit(model.log, book.records, world.nowMs), log: model.log, wrongRows };

  function strike({ does, worker: at, forMs }: FaultPlan): void {
    const worker = workers[at % workers.length] as Worker;
    switch (does) {
      case 'crash':
        worker.process.kill();
        break;
      case 'restart':
        worker.stop();
        break;
      case 'pause':
        worker.process.pause();
        world.after(forMs, () => worker.process.wake());
        break;
      case 'cut':
        worker.link.cut = true;
        world.after(forMs, () => heal(worker));
        break;
      case 'stop':
        for (const each of workers) each.link.cut = true;
        server.terminateAll();
        world.after(forMs / 4, () => workers.forEach(heal));
        break;
      case 'terminate':
        server.terminateAll();
        break;
      case 'idle in transaction':
        server.idle(forMs);
        break;
    }
  }

  function heal(worker: Worker): void {
    worker.link.cut = false;
    worker.process.wake();
  }

  function* supervise(): Steps {
    for (;;) {
      yield* sleep(world, SUPERVISION_MS);
      for (const [index, { process }] of workers.entries()) {
        if (!process.alive) workers[index] = start();
      }
    }
  }
}

/** Hands out the runs of each job’s plan, one after the other. */
function runsOf({ jobs }: Scenario, jobIds: readonly string[]): (jobId: string) => RunPlan {
  const used = new Map<string, number>();
  return (jobId) => {
    const run = used.get(jobId) ?? 0;
    used.set(jobId, run + 1);
    return jobs[jobIds.indexOf(jobId)]?.runs[run] ?? { does: 'return', takesMs: 10, frozenMs: 0 };
  };
}

function audit(
  log: readonly LogRow[],
  records: Parameters<typeof sortClientRecords>[0],
  nowMs: number,
): SafetyReport {
  const check = createSafetyCheck({ records: sortClientRecords(records), everyJobEnded: true });
  for (const { event, recordedAtMs } of log) check.take(event, { tenantId: 1, recordedAtMs });
  return check.end(nowMs);
}

/** The model’s own proof that its tables follow from the log, so that it can be trusted. */
function wrongRowsOf({ jobs, claims, dead }: Tables): string[] {
  return [...jobs.values()].flatMap((job) => {
    const row = claims.get(job.id);
    const found = {
      live: row !== undefined,
      dead: dead.has(job.id),
      version: row?.version ?? dead.get(job.id)?.version ?? job.version,
      failures: row?.failures ?? job.failures,
      runAtMs: row?.runAtMs ?? job.runAtMs,
      suspect: row?.suspect ?? job.suspect,
      crashes: row?.crashes ?? job.crashes,
      token: row?.leaseToken ?? job.lease?.token,
    };
    const expected = {
      live: !hasEnded(job),
      dead: job.status === 'dead',
      version: job.version,
      failures: job.failures,
      runAtMs: job.runAtMs,
      suspect: job.suspect,
      crashes: job.crashes,
      token: job.lease?.token,
    };
    return isDeepStrictEqual(found, expected) ? [] : [job.id];
  });
}
