import { type JobState, maxCrashes } from './state.ts';

/** A worker session, as far as it may take a job. */
export interface SessionFacts {
  readonly id: string;
  readonly name: string;
  readonly host: string | null;
  readonly queues: readonly string[];
  /** Empty for a worker that does not say. */
  readonly types: readonly string[];
  readonly lastBeatAtMs: number;
}

/** What is known around a job at the moment in question. */
export interface Surroundings {
  readonly nowMs: number;
  /** A time, for people; in ms since the epoch. */
  readonly show: (ms: number) => string;
  readonly queuePaused: boolean;
  readonly sessions: readonly SessionFacts[];
  /** Due jobs that are claimed before it; null while it does not wait. */
  readonly ahead: number | null;
  /** `ahead` was not counted beyond this. */
  readonly aheadLimit: number;
}

/** One fact that keeps a job where it is. */
export interface Because {
  readonly code:
    | 'delayed'
    | 'retrying'
    | 'snoozed'
    | 'queue-paused'
    | 'no-worker'
    | 'suspect'
    | 'behind'
    | 'next'
    | 'running'
    | 'cancel-requested'
    | 'completed'
    | 'dead'
    | 'cancelled';
  /** A sentence for people. */
  readonly text: string;
}

/** Why a job is where it is: everything that holds it there, the most telling first. Pure. */
export function explainJob(job: JobState, around: Surroundings): Because[] {
  switch (job.status) {
    case 'waiting':
      return explainWaiting(job, around);
    case 'running':
      return explainRunning(job, around);
    case 'completed':
      return [because('completed', `It completed at ${shown(job.endedAtMs, around)}.`)];
    case 'cancelled':
      return [
        because(
          'cancelled',
          `It was cancelled at ${shown(job.endedAtMs, around)}${why(job.cancelReason)}.`,
        ),
      ];
    case 'dead':
      return [because('dead', `It died at ${shown(job.endedAtMs, around)}: ${deathOf(job)}`)];
  }
}

function explainWaiting(job: JobState, around: Surroundings): Because[] {
  const found: Because[] = [];
  if (job.runAtMs > around.nowMs) found.push(explainDelay(job, around));
  if (around.queuePaused) {
    found.push(because('queue-paused', `Its queue "${job.queue}" is paused.`));
  }
  if (!around.sessions.some((session) => takes(session, job))) {
    const taking = `the type "${job.type}" from the queue "${job.queue}"`;
    found.push(because('no-worker', `No live worker takes jobs of ${taking}.`));
  }
  if (job.suspect) {
    const text =
      'Its worker went away while it ran, so it is claimed alone, when a worker runs no other such job.';
    found.push(because('suspect', text));
  }
  if (job.runAtMs > around.nowMs || around.ahead === null) return found;
  if (around.ahead === 0) {
    if (found.length === 0) found.push(because('next', 'It is the next to be claimed.'));
    return found;
  }
  const more = around.ahead >= around.aheadLimit ? 'or more jobs go' : 'jobs go';
  const count = around.ahead === 1 ? 'One job goes' : `${around.ahead} ${more}`;
  return [...found, because('behind', `${count} before it.`)];
}

function explainDelay(job: JobState, around: Surroundings): Because {
  const until = `until ${shown(job.runAtMs, around)}, for another ${span(job.runAtMs - around.nowMs)}`;
  if (job.retrying) {
    const attempt = `attempt ${job.failures} of ${job.maxAttempts}`;
    const error = job.lastError === null ? '' : ` (${job.lastError.message.slice(0, 200)})`;
    return because('retrying', `It failed in ${attempt}${error} and waits ${until}.`);
  }
  if (job.lastOutcome?.outcome === 'snoozed') {
    return because('snoozed', `Its handler put it off ${until}.`);
  }
  return because('delayed', `It is scheduled: it waits ${until}.`);
}

function explainRunning(job: JobState, around: Surroundings): Because[] {
  const { lease } = job;
  const { sessions, nowMs } = around;
  const session = sessions.find(({ id }) => id === lease?.session);
  const where =
    session === undefined
      ? `in the session ${lease?.session}, which does not live any more: its jobs are taken back within seconds`
      : `in the worker "${session.name}", which last beat ${span(nowMs - session.lastBeatAtMs)} ago`;
  const since = shown(lease?.claimedAtMs ?? null, around);
  const found = [because('running', `Attempt ${lease?.attempt} has run since ${since} ${where}.`)];
  if (job.cancelRequested !== null) {
    const text = `Somebody asked to cancel it${why(job.cancelRequested.reason)}; it ends when its handler does.`;
    found.push(because('cancel-requested', text));
  }
  return found;
}

function takes({ queues, types }: SessionFacts, { queue, type }: JobState): boolean {
  return queues.includes(queue) && (types.length === 0 || types.includes(type));
}

function deathOf(job: JobState): string {
  const error =
    job.lastError === null ? '' : ` The last error: ${job.lastError.message.slice(0, 200)}`;
  switch (job.deadReason) {
    case 'not-retryable':
      return `its handler said that trying again is of no use.${error}`;
    case 'crashes-its-worker':
      return `its worker went away ${maxCrashes} times while it alone was running.`;
    default:
      return `all ${job.maxAttempts} attempts failed.${error}`;
  }
}

function because(code: Because['code'], text: string): Because {
  return { code, text };
}

function why(reason: string | null): string {
  return reason === null ? '' : ` (${reason})`;
}

function shown(ms: number | null, { show }: Surroundings): string {
  return ms === null ? 'an unknown time' : show(ms);
}

/** A span of time for people: 850 ms, 12 s, 3 min, 5 h, 2 days. */
function span(ms: number): string {
  const units = [
    ['days', 86_400_000],
    ['h', 3_600_000],
    ['min', 60_000],
    ['s', 1_000],
  ] as const;
  for (const [unit, size] of units) if (ms >= 2 * size) return `${Math.round(ms / size)} ${unit}`;
  return `${Math.max(0, Math.round(ms))} ms`;
}
