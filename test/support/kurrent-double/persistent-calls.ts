import { randomUUID } from 'node:crypto';
import { type ServerDuplexStream, type ServiceError, status } from '@grpc/grpc-js';
import persistentPb from '@eventstore/db-client/generated/persistent_pb.js';
import { matcher } from './read-calls.ts';
import type { Stored, StoredEvents } from './stored-events.ts';
import { failure, fillRecorded, streamName, uuidText } from './wire.ts';

type ReadCall = ServerDuplexStream<persistentPb.ReadReq, persistentPb.ReadResp>;
type Done<Answer> = (error: ServiceError | null, answer?: Answer) => void;

/** A group: what it was given and has not answered for, and what it has yet to be given. */
interface Group {
  readonly stream: string;
  readonly name: string;
  readonly maxRetries: number;
  readonly matches: (event: Stored) => boolean;
  /** How many events were handed out at least once, or did not match. */
  next: number;
  readonly waiting: { readonly event: Stored; readonly retries: number }[];
  readonly parked: Stored[];
  readonly readers: Set<Reader>;
}

interface Reader {
  readonly call: ReadCall;
  readonly slots: number;
  readonly inFlight: Map<string, { readonly event: Stored; readonly retries: number }>;
}

const ALL = '$all';
const actions = persistentPb.ReadReq.Nack.Action;

/** Persistent subscriptions: groups on a stream or on `$all`, with ack, nack, parking and replay. */
export function createPersistentCalls(events: StoredEvents) {
  const groups = new Map<string, Group>();
  const keyOf = (stream: string, name: string) => `${stream} :: ${name}`;
  events.onAppend(() => {
    for (const group of groups.values()) deliver(events, group);
  });
  const missing = (stream: string, name: string) =>
    failure(status.NOT_FOUND, `Subscription group ${name} on stream ${stream} does not exist.`, {
      exception: 'persistent-subscription-does-not-exist',
      'stream-name': stream,
      'group-name': name,
    });

  return {
    create(call: { request: persistentPb.CreateReq }, done: Done<persistentPb.CreateResp>) {
      const options = call.request.getOptions();
      const ofStream = options?.getStream()?.getStreamIdentifier();
      const stream = ofStream === undefined ? ALL : streamName(ofStream);
      const name = options?.getGroupName() ?? '';
      if (groups.has(keyOf(stream, name))) {
        const exception = {
          exception: 'persistent-subscription-exists',
          'stream-name': stream,
          'group-name': name,
        };
        return done(failure(status.ALREADY_EXISTS, 'The group exists.', exception));
      }
      const atEnd = options?.getStream()?.hasEnd() === true || options?.getAll()?.hasEnd() === true;
      groups.set(keyOf(stream, name), {
        stream,
        name,
        maxRetries: options?.getSettings()?.getMaxRetryCount() ?? 10,
        matches: matcher(options?.getAll()?.getFilter()),
        next: atEnd ? sourceOf(events, stream).length : 0,
        waiting: [],
        parked: [],
        readers: new Set(),
      });
      done(null, new persistentPb.CreateResp());
    },
    update(_call: unknown, done: Done<persistentPb.UpdateResp>) {
      done(null, new persistentPb.UpdateResp());
    },
    delete(call: { request: persistentPb.DeleteReq }, done: Done<persistentPb.DeleteResp>) {
      const options = call.request.getOptions();
      const stream = options?.hasAll() === true ? ALL : streamName(options?.getStreamIdentifier());
      const name = options?.getGroupName() ?? '';
      const group = groups.get(keyOf(stream, name));
      if (group === undefined) return done(missing(stream, name));
      groups.delete(keyOf(stream, name));
      for (const reader of group.readers) reader.call.end();
      done(null, new persistentPb.DeleteResp());
    },
    replayParked(
      call: { request: persistentPb.ReplayParkedReq },
      done: Done<persistentPb.ReplayParkedResp>,
    ) {
      const options = call.request.getOptions();
      const stream = options?.hasAll() === true ? ALL : streamName(options?.getStreamIdentifier());
      const name = options?.getGroupName() ?? '';
      const group = groups.get(keyOf(stream, name));
      if (group === undefined) return done(missing(stream, name));
      group.waiting.unshift(...group.parked.splice(0).map((event) => ({ event, retries: 0 })));
      deliver(events, group);
      done(null, new persistentPb.ReplayParkedResp());
    },
    read(call: ReadCall) {
      let joined: { group: Group; reader: Reader } | undefined;
      const leave = () => {
        if (joined === undefined) return;
        const { group, reader } = joined;
        group.readers.delete(reader);
        group.waiting.unshift(...reader.inFlight.values());
        reader.inFlight.clear();
        deliver(events, group);
      };
      call.on('cancelled', leave);
      call.on('end', () => {
        leave();
        call.end();
      });
      call.on('error', () => undefined);
      call.on('data', (request: persistentPb.ReadReq) => {
        const options = request.getOptions();
        if (options === undefined) {
          if (joined !== undefined) answered(events, joined, request);
          return;
        }
        const ofStream = options.getStreamIdentifier();
        const stream = ofStream === undefined ? ALL : streamName(ofStream);
        const group = groups.get(keyOf(stream, options.getGroupName()));
        if (group === undefined) {
          call.emit('error', missing(stream, options.getGroupName()));
          return;
        }
        const reader = { call, slots: options.getBufferSize(), inFlight: new Map() };
        joined = { group, reader };
        group.readers.add(reader);
        const confirmation = new persistentPb.ReadResp.SubscriptionConfirmation();
        confirmation.setSubscriptionId(randomUUID());
        const answer = new persistentPb.ReadResp();
        answer.setSubscriptionConfirmation(confirmation);
        call.write(answer);
        deliver(events, group);
      });
    },
  };
}

function answered(
  events: StoredEvents,
  { group, reader }: { group: Group; reader: Reader },
  request: persistentPb.ReadReq,
): void {
  const nack = request.getNack();
  const ids = (request.getAck() ?? nack)?.getIdsList().map(uuidText) ?? [];
  for (const id of ids) {
    const given = reader.inFlight.get(id);
    reader.inFlight.delete(id);
    if (given === undefined || nack === undefined || nack.getAction() === actions.SKIP) continue;
    const { event, retries } = given;
    if (nack.getAction() === actions.PARK || retries >= group.maxRetries) group.parked.push(event);
    else group.waiting.unshift({ event, retries: retries + 1 });
  }
  deliver(events, group);
}

function sourceOf(events: StoredEvents, stream: string): readonly Stored[] {
  return stream === ALL ? events.all : (events.stream(stream) ?? []);
}

/** Hands out what is waiting, and then what is new, to the readers with room, in turn. */
function deliver(events: StoredEvents, group: Group): void {
  const source = sourceOf(events, group.stream);
  for (;;) {
    while (group.next < source.length && !group.matches(source[group.next] as Stored)) {
      group.next += 1;
    }
    const free = [...group.readers].filter(({ slots, inFlight }) => inFlight.size < slots);
    const reader = free.toSorted((a, b) => a.inFlight.size - b.inFlight.size)[0];
    if (reader === undefined) return;
    const fresh = source[group.next];
    const next = group.waiting.shift() ?? (fresh && { event: fresh, retries: 0 });
    if (next === undefined) return;
    if (next.event === fresh) group.next += 1;
    reader.inFlight.set(next.event.id, next);
    const recorded = new persistentPb.ReadResp.ReadEvent.RecordedEvent();
    const read = new persistentPb.ReadResp.ReadEvent();
    read.setEvent(fillRecorded(recorded, next.event));
    read.setCommitPosition(String(next.event.position));
    read.setRetryCount(next.retries);
    const answer = new persistentPb.ReadResp();
    answer.setEvent(read);
    reader.call.write(answer);
  }
}
