import type { JobCommand } from '../../src/domain/job/commands.ts';
import { decideQueue } from '../../src/domain/queue/queue.ts';
import type { Chance } from './chance.ts';
import { changeJob } from './commands.ts';
import { changeQueue } from './model/change-queue.ts';
import { submitJob } from './model/submit-job.ts';
import type { JobPlan, OperatorPlan } from './scenario.ts';
import type { Link, Server } from './server.ts';
import type { WitnessBook } from './witness-book.ts';
import { sleep } from './worker.ts';
import type { Steps, World } from './world.ts';

export interface Clients {
  readonly world: World;
  readonly chance: Chance;
  readonly server: Server;
  readonly book: WitnessBook;
}

/** Submissions and commands are tried so often. */
const TRIES = 6;

/** Submits a job at its time; again, with the same id, where no answer came. */
export function* submit({ world, server, book }: Clients, id: string, plan: JobPlan): Steps {
  const link = server.link();
  const { queue, delayMs, uniqueKey, maxAttempts, priority } = plan;
  const data = {
    type: 'work',
    priority,
    maxAttempts,
    payloadHash: id,
    payloadBytes: 1,
    retryPolicy: { kind: 'fixed', delayMs: 600, jitter: 0.5 },
    ...(delayMs === 0 ? {} : { delayMs }),
    ...(uniqueKey === null ? {} : { uniqueKey }),
  } as const;
  yield* sleep(world, plan.atMs);
  for (let tries = 0; tries < TRIES; tries += 1) {
    const answer = yield* link.call((tx) => submitJob(tx, { id, queue, data }));
    if (!answer.answered) continue;
    if (answer.value === 'born') book.write({ kind: 'submitted', jobId: id });
    return;
  }
}

/** Does at its time what an operator does. */
export function* operate(clients: Clients, plan: OperatorPlan, jobId: string): Steps {
  const { world, chance, server, book } = clients;
  const link = server.link();
  yield* sleep(world, plan.atMs);
  if (plan.does === 'pause' || plan.does === 'resume') {
    yield* turnQueue(clients, link, plan.queue, plan.does);
    return;
  }
  const command = commandOf({ ...plan, does: plan.does }, world.nowMs);
  const { after } = yield* changeJob(link, chance, jobId, command);
  if (after !== null) book.write({ kind: 'written', streamId: jobId, version: after.version });
}

/** Pauses or resumes a queue. */
export function* turnQueue(
  { server, book }: Clients,
  link: Link,
  name: string,
  kind: 'pause' | 'resume',
): Steps {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const row = server.model.tables.queues.get(name);
    if (row === undefined) return;
    const state = { ...row, settings: {}, createdAtMs: 0 };
    const [event] = decideQueue(state, { kind, reason: null }).events ?? [];
    if (event?.type !== 'QueuePaused' && event?.type !== 'QueueResumed') return;
    const kept = yield* link.call((tx) => changeQueue(tx, row, event));
    if (!kept.answered || !kept.value) continue;
    book.write({ kind: 'written', streamId: row.streamId, version: row.version + 1 });
    return;
  }
}

type Does = Exclude<OperatorPlan['does'], 'pause' | 'resume'>;

function commandOf(
  { does, queue }: { readonly does: Does; readonly queue: string },
  nowMs: number,
): Exclude<JobCommand, { kind: 'submit' | 'claim' | 'complete' | 'expire' }> {
  const reason = 'asked for';
  switch (does) {
    case 'cancel':
      return { kind: 'cancel', reason };
    case 'retry':
      return { kind: 'retry', reason, delayMs: 0 };
    case 'reschedule':
      return { kind: 'reschedule', runAtMs: nowMs + 2_000, reason };
    case 'edit':
      return { kind: 'edit', changes: { priority: 1 }, reason };
    case 'move':
      return { kind: 'move', queue, reason };
  }
}
