import { randomUUID } from 'node:crypto';
import type { ServerWritableStream } from '@grpc/grpc-js';
import type persistentPb from '@eventstore/db-client/generated/persistent_pb.js';
import streamsPb from '@eventstore/db-client/generated/streams_pb.js';
import type { Stored, StoredEvents } from './stored-events.ts';
import { fillRecorded, streamIdentifier, streamName } from './wire.ts';

type ReadCall = ServerWritableStream<streamsPb.ReadReq, streamsPb.ReadResp>;
type Options = streamsPb.ReadReq.Options;
type Filter =
  | streamsPb.ReadReq.Options.FilterOptions
  | persistentPb.CreateReq.AllOptions.FilterOptions;

/** Reads of a stream and of `$all`, forwards and backwards, and catch-up subscriptions to either. */
export function readEvents(events: StoredEvents, call: ReadCall): void {
  const options = call.request.getOptions();
  if (options === undefined) {
    call.end();
    return;
  }
  if (options.hasSubscription()) void subscribe(events, call, options);
  else void readOnce(events, call, options);
}

async function readOnce(events: StoredEvents, call: ReadCall, options: Options): Promise<void> {
  const name = streamOf(options);
  if (name !== undefined && events.stream(name) === undefined) {
    const missing = new streamsPb.ReadResp.StreamNotFound();
    missing.setStreamIdentifier(streamIdentifier(name));
    const answer = new streamsPb.ReadResp();
    answer.setStreamNotFound(missing);
    call.write(answer);
    call.end();
    return;
  }
  const backwards =
    options.getReadDirection() === streamsPb.ReadReq.Options.ReadDirection.BACKWARDS;
  const matches = matcher(options.getFilter());
  const kept = [...sourceOf(events, options)];
  const found = (backwards ? kept.toReversed() : kept).filter(
    (event) => isFrom(options, event, backwards) && matches(event),
  );
  const count = BigInt(options.getCount());
  for (const event of count < BigInt(found.length) ? found.slice(0, Number(count)) : found) {
    if (!(await written(call, eventAnswer(event)))) return;
  }
  call.end();
}

/** Where a subscription begins is exclusive: it goes on after what its reader has had. */
async function subscribe(events: StoredEvents, call: ReadCall, options: Options): Promise<void> {
  const confirmation = new streamsPb.ReadResp.SubscriptionConfirmation();
  confirmation.setSubscriptionId(randomUUID());
  const confirmed = new streamsPb.ReadResp();
  confirmed.setConfirmation(confirmation);
  call.write(confirmed);
  const matches = matcher(options.getFilter());
  let next = startOf(options, events);
  let caughtUp = false;
  let wake: () => void = () => undefined;
  const stop = events.onAppend(() => wake());
  call.on('cancelled', () => {
    stop();
    wake();
  });
  while (!call.cancelled) {
    const source = sourceOf(events, options);
    for (; next < source.length; next += 1) {
      const event = source[next];
      if (event === undefined || !matches(event)) continue;
      if (!(await written(call, eventAnswer(event)))) return;
    }
    if (!caughtUp) {
      caughtUp = true;
      const answer = new streamsPb.ReadResp();
      answer.setCaughtUp(new streamsPb.ReadResp.CaughtUp());
      call.write(answer);
    }
    if (sourceOf(events, options).length > next) continue;
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
  }
}

function startOf(options: Options, events: StoredEvents): number {
  const source = sourceOf(events, options);
  const stream = options.getStream();
  const all = options.getAll();
  if (stream?.hasEnd() === true || all?.hasEnd() === true) return source.length;
  if (stream?.hasRevision() === true) return Number(stream.getRevision()) + 1;
  const position = all?.getPosition();
  if (position === undefined) return 0;
  const after = BigInt(position.getCommitPosition());
  const index = source.findIndex((event) => event.position > after);
  return index === -1 ? source.length : index;
}

function streamOf(options: Options): string | undefined {
  return options.hasStream() ? streamName(options.getStream()?.getStreamIdentifier()) : undefined;
}

function sourceOf(events: StoredEvents, options: Options): readonly Stored[] {
  const name = streamOf(options);
  return name === undefined ? events.all : (events.stream(name) ?? []);
}

/** Where a read begins is inclusive; read backwards, from the end is the last one. */
function isFrom(options: Options, event: Stored, backwards: boolean): boolean {
  const stream = options.getStream();
  const all = options.getAll();
  if (stream?.hasRevision() === true) {
    const revision = BigInt(stream.getRevision());
    return backwards ? event.revision <= revision : event.revision >= revision;
  }
  const position = all?.getPosition();
  if (position !== undefined) {
    const commit = BigInt(position.getCommitPosition());
    return backwards ? event.position <= commit : event.position >= commit;
  }
  return backwards || !(stream?.hasEnd() === true || all?.hasEnd() === true);
}

/** Which events a filter lets through: by stream or by type, by prefixes or by an expression. */
export function matcher(filter: Filter | undefined): (event: Stored) => boolean {
  const byStream = filter?.getStreamIdentifier();
  const expression = byStream ?? filter?.getEventType();
  if (expression === undefined) return () => true;
  const prefixes = expression.getPrefixList();
  const regex = expression.getRegex() === '' ? undefined : new RegExp(expression.getRegex());
  return (event) => {
    const text = byStream === undefined ? event.type : event.stream;
    return regex?.test(text) ?? prefixes.some((prefix) => text.startsWith(prefix));
  };
}

function eventAnswer(event: Stored): streamsPb.ReadResp {
  const recorded = fillRecorded(new streamsPb.ReadResp.ReadEvent.RecordedEvent(), event);
  const read = new streamsPb.ReadResp.ReadEvent();
  read.setEvent(recorded);
  read.setCommitPosition(String(event.position));
  const answer = new streamsPb.ReadResp();
  answer.setEvent(read);
  return answer;
}

/** False once the reader has gone. */
async function written(call: ReadCall, answer: streamsPb.ReadResp): Promise<boolean> {
  if (call.cancelled) return false;
  if (call.write(answer)) return true;
  await new Promise<void>((resolve) => {
    const done = () => {
      call.off('drain', done);
      call.off('cancelled', done);
      resolve();
    };
    call.on('drain', done);
    call.on('cancelled', done);
  });
  return !call.cancelled;
}
