import { type Metadata, Server, ServerCredentials } from '@grpc/grpc-js';
import gossipGrpc from '@eventstore/db-client/generated/gossip_grpc_pb.js';
import persistentGrpc from '@eventstore/db-client/generated/persistent_grpc_pb.js';
import featuresGrpc from '@eventstore/db-client/generated/serverfeatures_grpc_pb.js';
import featuresPb from '@eventstore/db-client/generated/serverfeatures_pb.js';
import streamsGrpc from '@eventstore/db-client/generated/streams_grpc_pb.js';
import streamsPb from '@eventstore/db-client/generated/streams_pb.js';
import { lastingPort } from '../lasting-port.ts';
import { type AppendCalls, appendOnce, batchAppend } from './append-calls.ts';
import type { ChooseFault, Fault } from './faults.ts';
import { createGossip, type Nodes } from './gossip.ts';
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
  /** Who has asked for appends, as `user:password`, where a connection is encrypted: else nobody says it. */
  readonly callers: ReadonlySet<string>;
  /** From now on, asked before each append. */
  chooseFaults(choose: ChooseFault): void;
  /** Breaks every connection and listens no more; what was written stays. */
  stop(): Promise<void>;
  /** Listens again, at the same address. */
  start(): Promise<void>;
}

export interface DoubleOptions {
  /** Encrypts connections; key and certificate as PEM. */
  readonly tls?: { readonly key: Buffer; readonly certificate: Buffer };
  /** An address of this machine; default loopback. */
  readonly host?: string;
  /** The nodes of a cluster that this is one of: they keep the same events, and know the leader. */
  readonly nodes?: Nodes;
}

/**
 * A DOUBLE, and no KurrentDB: a gRPC server in this process over the service definitions that the client
 * package ships, with the server’s documented rules of idempotency, and faults on demand. It keeps
 * everything in memory, lets in every user, and knows no projections or links.
 * With EVENTSTORE_URL set, the same tests run against the server named there.
 */
export async function startKurrentDouble(options: DoubleOptions = {}): Promise<KurrentDouble> {
  const { tls, nodes, host = '127.0.0.1' } = options;
  const events = nodes?.events ?? createStoredEvents();
  const callers = new Set<string>();
  const played = new Map<Fault, number>();
  let choose: ChooseFault = () => undefined;
  let port = await lastingPort();
  let server: Server | null = null;
  const isFollower = () => nodes?.leader !== undefined && nodes.leader !== port;
  const calls: AppendCalls = {
    events,
    chooseFault: (append) => (isFollower() ? 'not-leader' : choose(append)),
    played: (fault) => played.set(fault, (played.get(fault) ?? 0) + 1),
    leader: () => ({ host, port: nodes?.leader ?? port }),
  };
  const heard = ({ metadata }: { metadata: Metadata }) => {
    const [, told = ''] = /^Basic (.*)$/.exec(String(metadata.get('authorization')[0])) ?? [];
    if (told !== '') callers.add(Buffer.from(told, 'base64').toString('utf8'));
  };
  const persistent = createPersistentCalls(events);
  const double: KurrentDouble = {
    get url() {
      return `esdb://${host}:${port}?tls=${tls !== undefined}`;
    },
    events,
    callers,
    played,
    chooseFaults(next) {
      choose = next;
    },
    async stop() {
      nodes?.alive.delete(port);
      server?.forceShutdown();
      server = null;
      await Promise.resolve();
    },
    async start() {
      const next = new Server({ 'grpc.max_receive_message_length': 32 * 1_048_576 });
      next.addService(streamsGrpc.StreamsService, {
        read: (call: Parameters<typeof readEvents>[1]) => readEvents(events, call),
        append: (
          call: Parameters<typeof appendOnce>[1],
          done: Parameters<typeof appendOnce>[2],
        ) => {
          heard(call);
          appendOnce(calls, call, done);
        },
        batchAppend: (call: Parameters<typeof batchAppend>[1]) => {
          heard(call);
          batchAppend(calls, call);
        },
        delete: remover(events, streamsPb.DeleteResp, 'forget'),
        tombstone: remover(events, streamsPb.TombstoneResp, 'tombstone'),
      });
      next.addService(persistentGrpc.PersistentSubscriptionsService, persistent);
      next.addService(
        gossipGrpc.GossipService,
        createGossip(nodes, () => port),
      );
      next.addService(featuresGrpc.ServerFeaturesService, {
        getSupportedMethods: (
          _call: unknown,
          done: (error: null, answer: featuresPb.SupportedMethods) => void,
        ) => done(null, features()),
      });
      port = await listen(next, `${host}:${port}`, tls);
      nodes?.alive.add(port);
      server = next;
    },
  };
  await double.start();
  return double;
}

function listen(server: Server, address: string, tls: DoubleOptions['tls']): Promise<number> {
  const credentials =
    tls === undefined
      ? ServerCredentials.createInsecure()
      : ServerCredentials.createSsl(null, [{ private_key: tls.key, cert_chain: tls.certificate }]);
  return new Promise((resolve, reject) => {
    server.bindAsync(address, credentials, (error, bound) => {
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
function features(): featuresPb.SupportedMethods {
  const told = new featuresPb.SupportedMethods();
  told.setEventStoreServerVersion('24.10.0');
  const streams = ['read', 'append', 'delete', 'tombstone', 'batchappend'];
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
