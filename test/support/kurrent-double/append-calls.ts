import {
  type ServerDuplexStream,
  type ServerReadableStream,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js';
import sharedPb from '@eventstore/db-client/generated/shared_pb.js';
import type statusPb from '@eventstore/db-client/generated/status_pb.js';
import streamsPb from '@eventstore/db-client/generated/streams_pb.js';
import { type ChooseFault, type Fault, writesAll } from './faults.ts';
import type { AppendResult, Expected, Proposed, StoredEvents } from './stored-events.ts';
import {
  expectedOf,
  failure,
  proposed,
  statusOf,
  streamIdentifier,
  streamName,
  uuidText,
  wrongVersionAnswer,
  wrongVersionStatus,
} from './wire.ts';

export interface AppendCalls {
  readonly events: StoredEvents;
  readonly chooseFault: ChooseFault;
  /** Called with each fault that was played. */
  readonly played: (fault: Fault) => void;
  /** Where the leader is, for who is told that this is none. */
  readonly leader: () => { readonly host: string; readonly port: number };
}

interface Append {
  readonly stream: string;
  readonly expected: Expected;
  readonly events: readonly Proposed[];
}

type Outcome =
  | { readonly kind: 'answer'; readonly result: AppendResult }
  | { readonly kind: 'status'; readonly message: string; readonly type: string }
  | { readonly kind: 'nothing' }
  | { readonly kind: 'end' }
  | { readonly kind: 'break'; readonly error: Error };

/** Does an append, or what a fault makes of it. */
function play(calls: AppendCalls, { stream, expected, events }: Append): Outcome {
  const fault = calls.chooseFault({ stream, events: events.length });
  if (fault === undefined) {
    return { kind: 'answer', result: calls.events.append(stream, expected, events) };
  }
  calls.played(fault);
  if (writesAll(fault)) calls.events.append(stream, expected, events);
  if (fault === 'partial-batch' && events.length > 1) {
    calls.events.append(stream, expected, events.slice(0, Math.ceil(events.length / 2)));
  }
  switch (fault) {
    case 'hang':
    case 'hang-after-commit':
      return { kind: 'nothing' };
    case 'half-close':
      return { kind: 'end' };
    case 'drop':
    case 'drop-after-commit':
    case 'partial-batch':
      return { kind: 'break', error: failure(status.UNAVAILABLE, 'Connection dropped') };
    case 'busy':
      return { kind: 'status', message: 'Server Is Busy', type: 'Unknown' };
    case 'not-ready':
      return { kind: 'status', message: 'Server Is Not Ready', type: 'Unknown' };
    case 'timeout':
      return { kind: 'status', message: 'Timeout', type: 'Timeout' };
    case 'not-leader':
    case 'lost-leadership':
      return { kind: 'break', error: notLeader(calls) };
  }
}

function notLeader({ leader }: AppendCalls): Error {
  const { host, port } = leader();
  return failure(status.NOT_FOUND, `Leader info available: ${host}:${port}`, {
    exception: 'not-leader',
    'leader-endpoint-host': host,
    'leader-endpoint-port': String(port),
  });
}

type BatchCall = ServerDuplexStream<streamsPb.BatchAppendReq, streamsPb.BatchAppendResp>;

/** The batch append: many appends over one call, each with the parts of its batch and an answer. */
export function batchAppend(calls: AppendCalls, call: BatchCall): void {
  const begun = new Map<string, { stream: string; expected: Expected; events: Proposed[] }>();
  call.on('data', (request: streamsPb.BatchAppendReq) => {
    const correlation = uuidText(request.getCorrelationId());
    const options = request.getOptions();
    const append = begun.get(correlation) ?? {
      stream: streamName(options?.getStreamIdentifier()),
      expected: options === undefined ? ('any' as const) : expectedOf(options),
      events: [],
    };
    append.events.push(...request.getProposedMessagesList().map(proposed));
    begun.set(correlation, append);
    if (!request.getIsFinal()) return;
    begun.delete(correlation);
    answerBatch(call, request, append, play(calls, append));
  });
  call.on('end', () => call.end());
  call.on('error', () => undefined);
}

function answerBatch(
  call: BatchCall,
  request: streamsPb.BatchAppendReq,
  { stream }: Append,
  outcome: Outcome,
): void {
  if (outcome.kind === 'nothing') return;
  if (outcome.kind === 'end') {
    call.end();
    return;
  }
  if (outcome.kind === 'break') {
    call.emit('error', outcome.error);
    return;
  }
  const answer = new streamsPb.BatchAppendResp();
  answer.setCorrelationId(request.getCorrelationId());
  answer.setStreamIdentifier(streamIdentifier(stream));
  if (outcome.kind === 'status') {
    const details = outcome.type === 'Timeout' ? new sharedPb.Timeout() : new sharedPb.Unknown();
    answer.setError(statusOf(outcome.message, outcome.type, details));
  } else if (outcome.result.kind === 'appended') {
    const success = new streamsPb.BatchAppendResp.Success();
    success.setCurrentRevision(String(outcome.result.revision));
    const position = new sharedPb.AllStreamPosition();
    position.setCommitPosition(String(outcome.result.position));
    position.setPreparePosition(String(outcome.result.position));
    success.setPosition(position);
    answer.setSuccess(success);
  } else answer.setError(refusal(outcome.result, stream));
  call.write(answer);
}

function refusal(
  result: Exclude<AppendResult, { kind: 'appended' }>,
  stream: string,
): statusPb.Status {
  if (result.kind === 'wrong-version') return wrongVersionStatus(result);
  if (result.kind === 'deleted') {
    const deleted = new sharedPb.StreamDeleted();
    deleted.setStreamIdentifier(streamIdentifier(stream));
    return statusOf('Stream deleted', 'StreamDeleted', deleted);
  }
  const tooLarge = new sharedPb.MaximumAppendSizeExceeded();
  tooLarge.setMaxappendsize(result.limit);
  return statusOf('Maximum append size exceeded', 'MaximumAppendSizeExceeded', tooLarge);
}

type AppendCall = ServerReadableStream<streamsPb.AppendReq, streamsPb.AppendResp>;

/** The classic append: one call for each. */
export function appendOnce(
  calls: AppendCalls,
  call: AppendCall,
  done: sendUnaryData<streamsPb.AppendResp>,
): void {
  let options: streamsPb.AppendReq.Options | undefined;
  const events: Proposed[] = [];
  call.on('data', (request: streamsPb.AppendReq) => {
    options ??= request.getOptions();
    const message = request.getProposedMessage();
    if (message !== undefined) events.push(proposed(message));
  });
  call.on('error', () => undefined);
  call.on('end', () => {
    if (options === undefined) return;
    const stream = streamName(options.getStreamIdentifier());
    const outcome = play(calls, { stream, expected: expectedOf(options), events });
    answerAppend(outcome, stream, done);
  });
}

function answerAppend(
  outcome: Outcome,
  stream: string,
  done: sendUnaryData<streamsPb.AppendResp>,
): void {
  if (outcome.kind === 'nothing' || outcome.kind === 'end') return;
  if (outcome.kind === 'break') return done(outcome.error);
  if (outcome.kind === 'status') {
    const code = outcome.type === 'Timeout' ? status.ABORTED : status.UNKNOWN;
    return done(failure(code, outcome.message));
  }
  const { result } = outcome;
  if (result.kind === 'wrong-version') return done(null, wrongVersionAnswer(result));
  if (result.kind === 'deleted') {
    const exception = { exception: 'stream-deleted', 'stream-name': stream };
    return done(failure(status.FAILED_PRECONDITION, 'Stream deleted', exception));
  }
  if (result.kind === 'too-large') {
    const exception = {
      exception: 'maximum-append-size-exceeded',
      'maximum-append-size': String(result.limit),
    };
    return done(failure(status.INVALID_ARGUMENT, 'Maximum append size exceeded', exception));
  }
  const success = new streamsPb.AppendResp.Success();
  success.setCurrentRevision(String(result.revision));
  const position = new streamsPb.AppendResp.Position();
  position.setCommitPosition(String(result.position));
  position.setPreparePosition(String(result.position));
  success.setPosition(position);
  const answer = new streamsPb.AppendResp();
  answer.setSuccess(success);
  done(null, answer);
}
