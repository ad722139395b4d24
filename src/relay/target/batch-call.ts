import { randomUUID } from 'node:crypto';
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

type Request = InstanceType<BatchWire['streams']['BatchAppendReq']>;
type Response = InstanceType<BatchWire['streams']['BatchAppendResp']>;
type Uuid = InstanceType<BatchWire['shared']['UUID']>;

/** The call that all appends share. */
interface Call {
  write(request: Request): boolean;
  cancel(): void;
  on(event: 'data', listener: (response: Response) => void): Call;
  on(event: 'error', listener: (error: Error) => void): Call;
  on(event: 'end', listener: () => void): Call;
}

/** What of the client makes calls: it finds the leader, and connects anew after failures. */
export interface CallMaker {
  GRPCStreamCreator(
    Service: unknown,
    name: string,
    create: (client: { batchAppend(...args: unknown[]): Call }) => Call,
  ): () => Promise<Call>;
  callArguments(options: object, callOptions: object): unknown[];
}

interface Pending {
  resolve(): void;
  reject(failure: TargetFailure): void;
}

/** Appends that share one call. */
export interface BatchCall {
  /** @throws TargetFailure */
  append(stream: string, events: readonly TargetEvent[], expected: ExpectedRevision): Promise<void>;
}

/**
 * The batch append over the client's own messages and connection, and not by the client's own method:
 * that of 6.2.1 keeps what is pending in one map for the whole process, which any call that breaks
 * clears; an answer to what was cleared is then an exception that nobody can catch. Here, what is
 * pending belongs to its call, and ends with it, also when the server ends it without a word.
 */
export function createBatchCall(client: CallMaker, wire: BatchWire): BatchCall {
  let current: Promise<Shared> | null = null;

  const open = async (): Promise<Shared> => {
    const create = client.GRPCStreamCreator(wire.service.StreamsClient, 'batchAppend', (made) =>
      made.batchAppend(...client.callArguments({}, { deadline: Number.POSITIVE_INFINITY })),
    );
    const call = await create();
    const shared: Shared = { call, pending: new Map() };
    const over = (failure: TargetFailure) => {
      if (current === opening) current = null;
      for (const { reject } of shared.pending.values()) reject(failure);
      shared.pending.clear();
    };
    call.on('data', (response) => answered(shared, response, wire));
    call.on('error', (error) => over(brokenBy(error)));
    call.on('end', () => {
      over(new TargetFailure('transient', 'call-ended', 'The server has ended the call.'));
      call.cancel();
    });
    return shared;
  };
  let opening: Promise<Shared> | null = null;

  return {
    async append(stream, events, expected) {
      if (current === null) {
        opening = open();
        current = opening;
      }
      const asked = current;
      const shared = await asked.catch((error: unknown) => {
        if (current === asked) current = null;
        throw error instanceof Error ? brokenBy(error) : error;
      });
      const correlation = randomUUID();
      const request = requestOf(wire, { correlation, stream, events, expected });
      await new Promise<void>((resolve, reject) => {
        shared.pending.set(correlation, { resolve, reject });
        shared.call.write(request);
      });
    },
  };
}

interface Shared {
  readonly call: Call;
  readonly pending: Map<string, Pending>;
}

function requestOf(
  { streams, shared }: BatchWire,
  given: {
    readonly correlation: string;
    readonly stream: string;
    readonly events: readonly TargetEvent[];
    readonly expected: ExpectedRevision;
  },
): Request {
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

function answered({ pending }: Shared, response: Response, wire: BatchWire): void {
  const correlation = textOf(response.getCorrelationId());
  const asked = pending.get(correlation);
  // Given up in the meantime.
  if (asked === undefined) return;
  pending.delete(correlation);
  if (response.hasError()) asked.reject(refusalOf(response, wire));
  else asked.resolve();
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

function refusalOf(response: Response, { shared }: BatchWire): TargetFailure {
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
function brokenBy(error: Error): TargetFailure {
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
