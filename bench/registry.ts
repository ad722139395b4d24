import { finishedJobs } from './readers/finished-jobs.ts';
import { firstEvent } from './readers/first-event.ts';
import { readModels } from './readers/read-models.ts';
import { relayThroughput } from './readers/relay-throughput.ts';
import { subscribers } from './readers/subscribers.ts';
import { bigPayloads } from './scenarios/big-payloads.ts';
import { fullCycle } from './scenarios/full-cycle.ts';
import { httpBatches } from './scenarios/http-batches.ts';
import { httpSubmits } from './scenarios/http-submits.ts';
import { manyQueues } from './scenarios/many-queues.ts';
import { openTransactions } from './scenarios/open-transactions.ts';
import { remoteWorker } from './scenarios/remote-worker.ts';
import type { Scenario } from './scenario.ts';
import { singleSubmits } from './scenarios/single-submits.ts';
import { submitToStart } from './scenarios/submit-to-start.ts';
import { waitingJobs } from './scenarios/waiting-jobs.ts';

/** All that `npm run bench` measures, in this order. */
export const scenarios: readonly Scenario[] = [
  fullCycle,
  singleSubmits,
  httpSubmits,
  httpBatches,
  submitToStart,
  waitingJobs,
  openTransactions,
  manyQueues,
  bigPayloads,
  remoteWorker,
  finishedJobs,
  readModels,
  firstEvent,
  subscribers,
  relayThroughput,
];
