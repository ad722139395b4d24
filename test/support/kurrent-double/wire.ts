import anyPb from 'google-protobuf/google/protobuf/any_pb.js';
import emptyPb from 'google-protobuf/google/protobuf/empty_pb.js';
import { Metadata, type ServiceError, type status } from '@grpc/grpc-js';
import type persistentPb from '@eventstore/db-client/generated/persistent_pb.js';
import sharedPb from '@eventstore/db-client/generated/shared_pb.js';
import statusPb from '@eventstore/db-client/generated/status_pb.js';
import streamsPb from '@eventstore/db-client/generated/streams_pb.js';
import type { AppendResult, Expected, Proposed, Stored } from './stored-events.ts';

type WrongVersion = Extract<AppendResult, { kind: 'wrong-version' }>;

const TICKS_PER_MS = 10_000n;

/** The text of a UUID as either form of the protocol has it. */
export function uuidText(uuid: sharedPb.UUID | undefined): string {
  if (uuid?.hasStructured() !== true) return uuid?.getString() ?? '';
  const structured = uuid.getStructured();
  const part = (bits: string | undefined) =>
    BigInt.asUintN(64, BigInt(bits ?? 0))
      .toString(16)
      .padStart(16, '0');
  const hex =
    part(structured?.getMostSignificantBits()) + part(structured?.getLeastSignificantBits());
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

export function uuidOf(text: string): sharedPb.UUID {
  const uuid = new sharedPb.UUID();
  uuid.setString(text);
  return uuid;
}

export function streamName(identifier: sharedPb.StreamIdentifier | undefined): string {
  return Buffer.from(identifier?.getStreamName_asU8() ?? []).toString('utf8');
}

export function streamIdentifier(name: string): sharedPb.StreamIdentifier {
  const identifier = new sharedPb.StreamIdentifier();
  identifier.setStreamName(Buffer.from(name, 'utf8').toString('base64'));
  return identifier;
}

export function proposed(
  message: streamsPb.AppendReq.ProposedMessage | streamsPb.BatchAppendReq.ProposedMessage,
): Proposed {
  return {
    id: uuidText(message.getId()),
    type: message.getMetadataMap().get('type') ?? '',
    contentType: message.getMetadataMap().get('content-type') ?? '',
    data: message.getData_asU8(),
    metadata: message.getCustomMetadata_asU8(),
  };
}

type Recorded =
  | streamsPb.ReadResp.ReadEvent.RecordedEvent
  | persistentPb.ReadResp.ReadEvent.RecordedEvent;

export function fillRecorded<Event extends Recorded>(event: Event, stored: Stored): Event {
  event.setId(uuidOf(stored.id));
  event.setStreamIdentifier(streamIdentifier(stored.stream));
  event.setStreamRevision(String(stored.revision));
  event.setCommitPosition(String(stored.position));
  event.setPreparePosition(String(stored.position));
  event.getMetadataMap().set('type', stored.type);
  event.getMetadataMap().set('content-type', stored.contentType);
  event.getMetadataMap().set('created', String(BigInt(stored.createdAtMs) * TICKS_PER_MS));
  event.setData(stored.data);
  event.setCustomMetadata(stored.metadata);
  return event;
}

/** A status with details, as answers of the batch append have it. @param type of the protocol */
export function statusOf(
  message: string,
  type: string,
  details: { serializeBinary(): Uint8Array },
): statusPb.Status {
  const any = new anyPb.Any();
  any.pack(details.serializeBinary(), `event_store.client.${type}`);
  const told = new statusPb.Status();
  told.setMessage(message);
  told.setDetails(any);
  return told;
}

export function wrongVersionStatus({ current, expected }: WrongVersion): statusPb.Status {
  const details = new sharedPb.WrongExpectedVersion();
  if (current === null) details.setCurrentNoStream(new emptyPb.Empty());
  else details.setCurrentStreamRevision(String(current));
  if (typeof expected === 'bigint') details.setExpectedStreamPosition(String(expected));
  else if (expected === 'no-stream') details.setExpectedNoStream(new emptyPb.Empty());
  else if (expected === 'any') details.setExpectedAny(new emptyPb.Empty());
  else details.setExpectedStreamExists(new emptyPb.Empty());
  return statusOf('Wrong expected version', 'WrongExpectedVersion', details);
}

export function wrongVersionAnswer({ current, expected }: WrongVersion): streamsPb.AppendResp {
  const wrong = new streamsPb.AppendResp.WrongExpectedVersion();
  if (current === null) wrong.setCurrentNoStream(new sharedPb.Empty());
  else wrong.setCurrentRevision(String(current));
  if (typeof expected === 'bigint') wrong.setExpectedRevision(String(expected));
  else if (expected === 'no-stream') wrong.setExpectedNoStream(new sharedPb.Empty());
  else if (expected === 'any') wrong.setExpectedAny(new sharedPb.Empty());
  else wrong.setExpectedStreamExists(new sharedPb.Empty());
  const answer = new streamsPb.AppendResp();
  answer.setWrongExpectedVersion(wrong);
  return answer;
}

export function expectedOf(
  options: streamsPb.AppendReq.Options | streamsPb.BatchAppendReq.Options,
): Expected {
  if (options.hasNoStream()) return 'no-stream';
  if (options.hasAny()) return 'any';
  if (options.hasStreamExists()) return 'stream-exists';
  return 'getRevision' in options
    ? BigInt(options.getRevision())
    : BigInt(options.getStreamPosition());
}

/** What a call that fails ends with. @param exception the name that clients tell errors apart by */
export function failure(
  code: status,
  details: string,
  exception: Readonly<Record<string, string>> = {},
): ServiceError {
  const metadata = new Metadata();
  for (const [key, value] of Object.entries(exception)) metadata.set(key, value);
  return Object.assign(new Error(details), { code, details, metadata });
}
