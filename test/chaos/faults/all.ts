import { bigBacklog } from './big-backlog.ts';
import { blockedEventLoop } from './blocked-event-loop.ts';
import { clockJump } from './clock-jump.ts';
import { crashPostgres } from './crash-postgres.ts';
import { cutConnections } from './cut-connections.ts';
import { deadlyJob } from './deadly-job.ts';
import { delayConnections } from './delay-connections.ts';
import { diskFull } from './disk-full.ts';
import type { Fault } from './fault.ts';
import { halfOpenConnections } from './half-open-connections.ts';
import { heldSnapshot } from './held-snapshot.ts';
import { holdConnections } from './hold-connections.ts';
import { idleConnections } from './idle-connections.ts';
import { killApi } from './kill-api.ts';
import { killSequencer } from './kill-sequencer.ts';
import { killWorker } from './kill-worker.ts';
import { killWorkersInTurn } from './kill-workers-in-turn.ts';
import { lockedJobs } from './locked-jobs.ts';
import { noConnectionsLeft } from './no-connections-left.ts';
import { pauseApi } from './pause-api.ts';
import { pauseSequencer } from './pause-sequencer.ts';
import { pauseWorker } from './pause-worker.ts';
import { restartPostgres } from './restart-postgres.ts';
import { slowConsumer } from './slow-consumer.ts';
import { terminateBackends } from './terminate-backends.ts';

export const allFaults: readonly Fault[] = [
  killWorker,
  killWorkersInTurn,
  pauseWorker,
  killApi,
  pauseApi,
  killSequencer,
  pauseSequencer,
  restartPostgres,
  crashPostgres,
  terminateBackends,
  cutConnections,
  delayConnections,
  holdConnections,
  halfOpenConnections,
  diskFull,
  clockJump,
  heldSnapshot,
  lockedJobs,
  idleConnections,
  noConnectionsLeft,
  slowConsumer,
  bigBacklog,
  deadlyJob,
  blockedEventLoop,
];
