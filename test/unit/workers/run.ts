import { setImmediate as turn } from 'node:timers/promises';
import { z } from 'zod';
import type { ClaimedJob } from '../../../src/commands/work/claim-jobs.ts';
import type { Clock } from '../../../src/kernel/clock.ts';
import { createFakeClock } from '../../../src/testing/fake-clock.ts';
import { defineJob, type JobDefinition } from '../../../src/workers/definitions/define-job.ts';
import { createDefinitions } from '../../../src/workers/definitions/job-catalog.ts';
import {
  createJobAbort,
  type JobAbort,
  type JobContext,
  type Middleware,
} from '../../../src/workers/job-context.ts';
import { runJob, type RunOutcome } from '../../../src/workers/run-job.ts';
import { claimedJob } from './claimed-job.ts';

/** The limits of a run where a test names none. */
export const timeoutMs = 60_000;
export const graceMs = 5_000;

/** What differs from a job `greet` with no limits of its own, run by a handler that returns. */
export interface Told extends Partial<Omit<JobDefinition, 'type'>> {
  readonly job?: Partial<ClaimedJob>;
  readonly middleware?: readonly Middleware[];
  readonly abort?: JobAbort;
}

/** Starts a run: a handler has done all that it does at once when this returns. */
export function start({ job: ofJob, middleware = [], abort = createJobAbort(), ...told }: Told) {
  const fake = createFakeClock();
  const alarms = countAlarms(fake);
  const job = claimedJob(ofJob);
  const payload = z.object({ name: z.string() });
  const definition = defineJob({ type: 'greet', payload, handler: () => undefined, ...told });
  const context: JobContext = {
    job,
    get signal() {
      return abort.signal;
    },
    log: () => undefined,
    progress: () => undefined,
    completeIn: () => Promise.resolve(),
  };
  const atOnceOrLater = runJob(job, context, abort, {
    definitions: createDefinitions([definition]),
    middleware,
    clock: alarms.clock,
    defaultTimeoutMs: timeoutMs,
    abortGraceMs: graceMs,
  });
  const outcome = Promise.resolve(atOnceOrLater);
  return { outcome, atOnceOrLater, abort, context, clock: fake, alarms };
}

export function run(told: Told): Promise<RunOutcome> {
  return start(told).outcome;
}

/** What came of it so far; undefined while it goes on. */
export async function soFar(outcome: Promise<RunOutcome>): Promise<RunOutcome | undefined> {
  let ended: RunOutcome | undefined;
  void outcome.then((what) => {
    ended = what;
    return undefined;
  });
  await turn();
  return ended;
}

/** A handler that goes on for ever, whatever its signal says. */
export function deaf(): Promise<never> {
  return new Promise(() => undefined);
}

/** A handler that stops with `stop` as soon as its signal aborts. */
export function heeding(stop: (reason: unknown) => unknown): JobDefinition['handler'] {
  return (_payload, { signal }) =>
    new Promise((resolve) => {
      signal.addEventListener('abort', () => resolve(signal.reason));
    }).then(stop);
}

/** The clock, and how many alarms are set on it. */
function countAlarms(clock: Clock): { readonly clock: Clock; readonly set: number } {
  const set = new Set<symbol>();
  return {
    get set() {
      return set.size;
    },
    clock: {
      ...clock,
      after(ms, callback) {
        const alarm = Symbol('alarm');
        set.add(alarm);
        const callOff = clock.after(ms, () => {
          set.delete(alarm);
          callback();
        });
        return () => {
          set.delete(alarm);
          callOff();
        };
      },
    },
  };
}
