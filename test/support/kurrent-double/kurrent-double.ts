import { Server, ServerCredentials } from '@grpc/grpc-js';
import persistentGrpc from '@eventstore/db-client/generated/persistent_grpc_pb.js';
import featuresGrpc from '@eventstore/db-client/generated/serverfeatures_grpc_pb.js';
import featuresPb from '@eventstore/db-client/generated/serverfeatures_pb.js';
import streamsGrpc from '@eventstore/db-client/generated/streams_grpc_pb.js';
import streamsPb from '@eventstore/db-client/generated/streams_pb.js';
import { type AppendCalls, appendOnce, batchAppend } from './append-calls.ts';
import type { ChooseFault, Fault } from './faults.ts';
import { createPersistentCalls } from './persistent-calls.ts';
import { readEvents } from './read-calls.ts';
import { createStoredEvents, type StoredEvents } from './stored-events.ts';
import { streamName } from './wire.ts';

/** A server that speaks KurrentDB’s protocol, with what it keeps. */
export interface KurrentDouble {
  /** For clients: `esdb://127.0.0.1:<port>?tls=false`. */
  readonly url: string;
  readonly events: StoredEvents;
  /** How often each fault was played. */
  readonly played: ReadonlyMap<Fault, number>;
  /** From now on, asked before each append. */
  chooseFaults(choose: ChooseFault): void;
  /** Breaks every connection and listens no more; what was written stays. */
  stop(): Promise<void>;
  /** Listens again, at the same address. */
  start(): Promise<void>;
}

/**
 * A DOUBLE, and no KurrentDB: a gRPC server in this process over the service definitions that the client
 * package ships, with the server’s documented rules of idempotency, and faults on demand. It keeps
 * everything in memory, knows no users, projections or links, and answers `requires-leader` as one node.
 * With EVENTSTORE_URL set, the same tests run against the server named there.
 */
export async function startKurrentDouble(options: { batchAppend?: boolean; port?: number } = {}) {
  const { batchAppend: withBatches = true } = options;
  const events = createStoredEvents();
  const played = new Map<Fault, number>();
  let choose: ChooseFault = () => undefined;
  let port = options.port ?? 0;
  let server: Server | null = null;
  const calls: AppendCalls = {
    events,
    chooseFault: (append) => choose(append),
    played: (fault) => played.set(fault, (played.get(fault) ?? 0) + 1),
    leader: () => ({ host: '127.0.0.1', port }),
  };
  const persistent = createPersistentCalls(events);
  const double: KurrentDouble = {
    get url() {
      return `esdb://127.0.0.1:${port}?tls=false`;
    },
    events,
    played,
    chooseFaults(next) {
      choose = next;
    },
    async stop() {
      server?.forceShutdown();
      server = null;
      await Promise.resolve();
    },
    async start() {
      const next = new Server({ 'grpc.max_receive_message_length': 32 * 1_048_576 });
      next.addService(streamsGrpc.StreamsService, {
        read: (call: Parameters<typeof readEvents>[1]) => readEvents(events, call),
        append: (call: Parameters<typeof appendOnce>[1], done: Parameters<typeof appendOnce>[2]) =>
          appendOnce(calls, call, done),
        batchAppend: (call: Parameters<typeof batchAppend>[1]) => batchAppend(calls, call),
        delete: remover(events, streamsPb.DeleteResp, 'forget'),
        tombstone: remover(events, streamsPb.TombstoneResp, 'tombstone'),
      });
      next.addService(persistentGrpc.PersistentSubscriptionsService, persistent);
      next.addService(featuresGrpc.ServerFeaturesService, {
        getSupportedMethods: (
          _call: unknown,
          done: (error: null, answer: featuresPb.SupportedMethods) => void,
        ) => done(null, features(withBatches)),
      });
      port = await listen(next, port);
      server = next;
    },
  };
  await double.start();
  return double;
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
}

function remover<Answer>(
  events: StoredEvents,
  Answer: new () => Answer,
  how: 'forget' | 'tombstone',
) {
  return (
    call: { request: streamsPb.DeleteReq | streamsPb.TombstoneReq },
    done: (error: null, answer: Answer) => void,
  ) => {
    events[how](streamName(call.request.getOptions()?.getStreamIdentifier()));
    done(null, new Answer());
  };
}

/** What a server of version 24 says it can do, as far as the double can. */
function features(withBatches: boolean): featuresPb.SupportedMethods {
  const told = new featuresPb.SupportedMethods();
  told.setEventStoreServerVersion('24.10.0');
  const streams = [
    'read',
    'append',
    'delete',
    'tombstone',
    ...(withBatches ? ['batchappend'] : []),
  ];
  const groups = ['create', 'update', 'delete', 'read', 'getinfo', 'replayparked', 'list'];
  for (const [service, methods] of [
    ['event_store.client.streams.streams', streams],
    ['event_store.client.persistent_subscriptions.persistentsubscriptions', groups],
  ] as const) {
    for (const name of methods) {
      const method = new featuresPb.SupportedMethod();
      method.setServiceName(service);
      method.setMethodName(name);
      method.setFeaturesList(['stream', 'all']);
      told.addMethods(method);
    }
  }
  return told;
}
