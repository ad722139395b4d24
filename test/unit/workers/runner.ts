import { createLineage } from '../../../src/kernel/lineage.ts';
import { setImmediate as turn } from 'node:timers/promises';
import { z } from 'zod';
import type { ClaimedJob } from '../../../src/commands/work/claim-jobs.ts';
import type { WriteContext } from '../../../src/commands/write-context.ts';
import { silentObserver } from '../../../src/kernel/observer.ts';
import { createFakeClock } from '../../../src/testing/fake-clock.ts';
import { createHeldJobs } from '../../../src/workers/claiming/held-jobs.ts';
import { createSuspectSlot } from '../../../src/workers/claiming/suspect-slot.ts';
import { defineJob } from '../../../src/workers/definitions/define-job.ts';
import { createDefinitions } from '../../../src/workers/definitions/job-catalog.ts';
import type { JobContext } from '../../../src/workers/job-context.ts';
import { createQueueRunner, type QueueRunnerOptions } from '../../../src/workers/queue-runner.ts';
import type { EndedAttempt } from '../../../src/workers/write-outcomes.ts';

/** A claim as the statement asks for it. */
export interface Asked {
  readonly suspects: boolean;
  readonly limit: number;
  readonly maxBytes: number;
}

/** How the database answers; what is left out finds nothing. */
export interface Answers {
  readonly claim?: (asked: Asked) => ClaimedRow[] | Promise<ClaimedRow[]>;
  readonly markStart?: () => Promise<unknown[]>;
  readonly heldClaims?: () => { id: string; lease_token: string }[];
}

type ClaimedRow = Pick<ClaimedJob, 'id' | 'suspect'> & Readonly<Record<string, unknown>>;

let made = 0;

/** A job to be claimed. */
export function row(told: Readonly<Record<string, unknown>> = {}): ClaimedRow {
  made += 1;
  const id = `job-${made}`;
  const times = { run_at: 0, submitted_at: 0, claimed_at: 0 };
  return {
    id,
    lease_token: `token of ${id}`,
    type_id: 1,
    failures: 0,
    suspect: false,
    ...times,
    ...told,
  };
}

/** A runner of one queue, on a clock that stands still and a database that is made up. */
export async function startRunner(
  answers: Answers,
  handler: (context: JobContext, outcomes: { full: boolean }) => unknown,
  options: Partial<QueueRunnerOptions> = {},
) {
  const clock = createFakeClock();
  const warnings: string[] = [];
  const ended: EndedAttempt[] = [];
  const outcomes = { full: false };
  const held = createHeldJobs(() => []);
  const asked: Asked[] = [];
  let hint: () => void = () => undefined;
  const on = (_topic: string, listener: () => void) => {
    hint = listener;
    return () => undefined;
  };
  const run = async ({ name }: { name: string }, params: Asked) => {
    if (name === 'mark-start') return answers.markStart?.() ?? [{}];
    if (name === 'list-held-claims') return answers.heldClaims?.() ?? [];
    if (name !== 'claim-jobs') return [];
    asked.push(params);
    return answers.claim?.(params) ?? [];
  };
  const context = {
    database: { run },
    random: () => 0,
    epoch: () => 1,
    lineage: createLineage(),
    observer: { ...silentObserver, warn: (message: string) => warnings.push(message) },
    wakeUp: { on, hint: () => undefined },
    names: {
      queueId: () => Promise.resolve(1),
      queueIds: () => Promise.resolve(new Map([['default', 1]])),
      typeNames: () => Promise.resolve(new Map([[1, 'test']])),
    },
  } as unknown as WriteContext;
  const definition = defineJob({
    type: 'test',
    payload: z.unknown(),
    handler: (_payload, handed) => handler(handed, outcomes),
  });
  const runner = createQueueRunner({
    context,
    clock,
    queue: 'default',
    concurrency: () => 1,
    maxPrefetch: 1_000,
    maxPrefetchBytes: 1_000_000,
    pollMs: 100,
    held,
    suspectSlot: createSuspectSlot(held),
    notes: { log: () => undefined, forget: () => undefined } as never,
    run: {
      definitions: createDefinitions([definition]),
      middleware: [],
      clock,
      defaultTimeoutMs: 3_600_000,
      abortGraceMs: 0,
    },
    outcomes: Object.assign(outcomes, {
      add: (attempt: EndedAttempt) => void ended.push(attempt),
    }) as never,
    session: () => 'session',
    ...options,
  });
  await runner.start();
  await turn();
  return {
    runner,
    held,
    asked,
    ended,
    warnings,
    outcomes,
    /** Says that there may be jobs. */
    async hint() {
      hint();
      await turn();
    },
    /** Says that jobs are due. */
    async due(suspects: boolean) {
      runner.due(suspects);
      await turn();
    },
    /** Lets time go by, and everything happen that happens then. */
    async pass(ms: number) {
      clock.advance(ms);
      await turn();
    },
  };
}
