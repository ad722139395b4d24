import type sharedPbModule from '@eventstore/db-client/generated/shared_pb.js';
import type streamsGrpcModule from '@eventstore/db-client/generated/streams_grpc_pb.js';
import type streamsPbModule from '@eventstore/db-client/generated/streams_pb.js';
import {
  type ExpectedRevision,
  failureKindOf,
  type TargetEvent,
  TargetFailure,
} from './event-target.ts';

/** The messages of the protocol, as the client package brings them along. */
export interface BatchWire {
  readonly streams: typeof streamsPbModule;
  readonly shared: typeof sharedPbModule;
  readonly service: typeof streamsGrpcModule;
}

export type BatchRequest = InstanceType<BatchWire['streams']['BatchAppendReq']>;
export type BatchResponse = InstanceType<BatchWire['streams']['BatchAppendResp']>;
type Uuid = InstanceType<BatchWire['shared']['UUID']>;

/** A whole append in one message. */
export function requestOf(
  { streams, shared }: BatchWire,
  given: {
    readonly correlation: string;
    readonly stream: string;
    readonly events: readonly TargetEvent[];
    readonly expected: ExpectedRevision;
  },
): BatchRequest {
  const identifier = new shared.StreamIdentifier();
  identifier.setStreamName(Buffer.from(given.stream));
  const options = new streams.BatchAppendReq.Options();
  options.setStreamIdentifier(identifier);
  if (given.expected === 'no-stream') options.setNoStream(new shared.Empty());
  else options.setStreamPosition(String(given.expected));
  const request = new streams.BatchAppendReq();
  request.setCorrelationId(uuid(shared, given.correlation));
  request.setOptions(options);
  request.setIsFinal(true);
  for (const { id, type, data, metadata } of given.events) {
    const message = new streams.BatchAppendReq.ProposedMessage();
    message.setId(uuid(shared, id));
    message.getMetadataMap().set('type', type).set('content-type', 'application/json');
    message.setData(Buffer.from(JSON.stringify(data)));
    message.setCustomMetadata(Buffer.from(JSON.stringify(metadata)));
    request.addProposedMessages(message);
  }
  return request;
}

function uuid(shared: BatchWire['shared'], text: string): Uuid {
  const made = new shared.UUID();
  made.setString(text);
  return made;
}

/** The id of the append that is answered. */
export function correlationOf(response: BatchResponse): string {
  return textOf(response.getCorrelationId());
}

/** The revision of the last event, where the answer tells it. */
export function revisionIn(response: BatchResponse): bigint | undefined {
  const success = response.getSuccess();
  return success?.hasCurrentRevision() === true ? BigInt(success.getCurrentRevision()) : undefined;
}

/** Servers answer with either form. */
function textOf(id: Uuid | undefined): string {
  const structured = id?.getStructured();
  if (structured === undefined) return id?.getString() ?? '';
  const bits = [structured.getMostSignificantBits(), structured.getLeastSignificantBits()];
  const hex = bits.map((half) => BigInt.asUintN(64, BigInt(half)).toString(16).padStart(16, '0'));
  return hex.join('').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** The clients' names for what an answer says. */
const reasons: Readonly<Record<string, string>> = {
  WrongExpectedVersion: 'wrong-expected-version',
  StreamDeleted: 'stream-deleted',
  AccessDenied: 'access-denied',
  MaximumAppendSizeExceeded: 'maximum-append-size-exceeded',
  Timeout: 'timeout',
};

export function refusalOf(response: BatchResponse, { shared }: BatchWire): TargetFailure {
  const status = response.getError();
  const details = status?.getDetails();
  const name = details?.getTypeName().split('.').at(-1) ?? '';
  const reason = reasons[name] ?? 'unknown';
  const message = status?.getMessage() ?? reason;
  if (reason !== 'wrong-expected-version' || details === undefined) {
    return new TargetFailure(failureKindOf(reason), reason, message);
  }
  const wrong = shared.WrongExpectedVersion.deserializeBinary(details.getValue_asU8());
  const actual = wrong.hasCurrentStreamRevision() ? BigInt(wrong.getCurrentStreamRevision()) : null;
  return new TargetFailure('wrong-version', reason, message, { actual });
}

/** The clients' names for statuses that a call ends with. */
const statusReasons: Readonly<Record<number, string>> = {
  1: 'cancelled',
  3: 'invalid-argument',
  4: 'deadline-exceeded',
  7: 'access-denied',
  8: 'resource-exhausted',
  10: 'timeout',
  12: 'unsupported',
  16: 'access-denied',
};

/**
 * A call that breaks is that of all streams, and refuses none of them: not with a wrong password
 * either, which may be put right in the target.
 */
export function brokenBy(error: Error): TargetFailure {
  if (error instanceof TargetFailure) return error;
  const { metadata, type, code } = error as BrokenCall;
  const [exception] = metadata?.get('exception') ?? [];
  const reason = typeof exception === 'string' ? exception : (type ?? statusReasons[code ?? 0]);
  const cause = { cause: error };
  return new TargetFailure('transient', reason ?? 'unavailable', error.message, cause);
}

interface BrokenCall extends Error {
  readonly metadata?: { get(key: string): unknown[] };
  readonly type?: string;
  /** Of gRPC. */
  readonly code?: number;
}
