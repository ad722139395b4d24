import { CorruptStream } from '../corrupt-stream.ts';
import type { JobChanges, RecordedJobEvent } from './events.ts';
import type { JobState, LastOutcome } from './state.ts';

/**
 * Folds one event into a job. Pure, and total over legal streams: the same events give the same
 * state in the server, in `verify` and in a browser.
 * @throws CorruptStream on a second birth, a missing one, a gap in the versions, or data of another shape
 *   than the type has; whether each event was legal is for `verify` to say
 */
export function evolveJob(state: JobState | null, event: RecordedJobEvent): JobState {
  if (event.type === 'JobSubmitted') {
    if (state !== null || event.version !== 1) throw new CorruptStream(event, 'a second birth');
    return bornFrom(event);
  }
  if (state === null) throw new CorruptStream(event, 'an event before the birth');
  if (event.version !== state.version + 1)
    throw new CorruptStream(event, `a gap after ${state.version}`);
  try {
    return { ...state, ...changesBy(state, event), version: event.version };
  } catch (error) {
    throw new CorruptStream(event, 'not to be read', error);
  }
}

/** Folds a whole stream, in version order; null for an empty one. */
export function foldJob(events: Iterable<RecordedJobEvent>): JobState | null {
  let state: JobState | null = null;
  for (const event of events) state = evolveJob(state, event);
  return state;
}

function bornFrom(event: Extract<RecordedJobEvent, { type: 'JobSubmitted' }>): JobState {
  const { data, occurredAtMs } = event;
  return {
    id: event.streamId,
    version: 1,
    queue: event.queue,
    type: data.type,
    status: 'waiting',
    priority: data.priority,
    runAtMs: data.runAtMs ?? occurredAtMs + (data.delayMs ?? 0),
    submittedAtMs: occurredAtMs,
    maxAttempts: data.maxAttempts,
    failures: 0,
    retryPolicy: data.retryPolicy ?? null,
    timeoutMs: data.timeoutMs ?? null,
    tags: data.tags ?? [],
    uniqueKey: data.uniqueKey ?? null,
    correlation: event.correlation,
    replayOf: data.replayOf ?? null,
    payloadHash: data.payloadHash,
    payloadBytes: data.payloadBytes,
    payloadErased: false,
    retrying: false,
    suspect: false,
    crashes: 0,
    lease: null,
    lastOutcome: null,
    cancelRequested: null,
    startedAtMs: null,
    endedAtMs: null,
    lastError: null,
    resultHash: null,
    deadReason: null,
    cancelReason: null,
  };
}

function changesBy(
  state: JobState,
  event: Exclude<RecordedJobEvent, { type: 'JobSubmitted' }>,
): Partial<JobState> {
  const { occurredAtMs } = event;
  switch (event.type) {
    case 'JobClaimed':
      return {
        status: 'running',
        lease: {
          token: event.data.leaseToken,
          session: event.data.session,
          attempt: event.data.attempt,
          claimedAtMs: occurredAtMs,
        },
        startedAtMs: occurredAtMs,
      };
    case 'JobCompleted':
      return {
        ...claimEnded(state, 'completed'),
        ...ended('completed', occurredAtMs),
        resultHash: event.data.resultHash ?? null,
      };
    case 'JobFailed':
      return {
        ...waitsAgain(state, 'failed', occurredAtMs),
        ...cleared,
        failures: event.data.attempt,
        lastError: event.data.error,
        retrying: true,
      };
    case 'JobInterrupted':
      return {
        ...waitsAgain(
          state,
          event.data.reason === 'released' ? 'released' : 'expired',
          occurredAtMs,
        ),
        suspect: state.suspect || event.data.reason === 'lease-expired',
        crashes: state.crashes + (event.data.crashed === true ? 1 : 0),
      };
    case 'JobSnoozed':
      return {
        ...waitsAgain(state, 'snoozed', event.data.runAtMs),
        ...cleared,
        retrying: false,
      };
    case 'JobRetried':
      return {
        status: 'waiting',
        runAtMs: event.data.runAtMs,
        ...(event.data.revived === undefined ? {} : revived(event.data.revived.maxAttempts)),
      };
    case 'JobDead':
      return { ...ended('dead', occurredAtMs), deadReason: event.data.reason };
    case 'JobCancelled':
      return { ...ended('cancelled', occurredAtMs), cancelReason: event.data.reason };
    case 'JobCancelRequested':
      return { cancelRequested: { reason: event.data.reason } };
    case 'JobRescheduled':
      return { runAtMs: event.data.runAtMs, retrying: false };
    case 'JobEdited':
      return edited(event.data.changes);
    case 'JobMoved':
      return { queue: event.data.to };
    case 'PayloadErased':
      return { payloadErased: true };
  }
}

/** An orderly end clears a job of suspicion: it can run without killing its worker. */
const cleared = { suspect: false, crashes: 0 } as const;

function ended(status: JobState['status'], endedAtMs: number): Partial<JobState> {
  return { status, endedAtMs, cancelRequested: null };
}

function claimEnded(state: JobState, outcome: LastOutcome['outcome']): Partial<JobState> {
  const lastOutcome = state.lease === null ? null : { token: state.lease.token, outcome };
  return { lease: null, lastOutcome };
}

function waitsAgain(
  state: JobState,
  outcome: LastOutcome['outcome'],
  runAtMs: number,
): Partial<JobState> {
  return { ...claimEnded(state, outcome), status: 'waiting', runAtMs };
}

/** A job back from the dead starts clean of suspicion: an operator has looked at it. */
function revived(maxAttempts: number): Partial<JobState> {
  return {
    maxAttempts,
    ...cleared,
    retrying: false,
    endedAtMs: null,
    deadReason: null,
    cancelRequested: null,
  };
}

function edited(changes: JobChanges): Partial<JobState> {
  const { priority, maxAttempts, retryPolicy, timeoutMs, tags, payloadHash, payloadBytes } =
    changes;
  return {
    ...(priority === undefined ? {} : { priority }),
    ...(maxAttempts === undefined ? {} : { maxAttempts }),
    ...(retryPolicy === undefined ? {} : { retryPolicy }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(tags === undefined ? {} : { tags }),
    ...(payloadHash === undefined ? {} : { payloadHash, payloadErased: false }),
    ...(payloadBytes === undefined ? {} : { payloadBytes }),
  };
}
