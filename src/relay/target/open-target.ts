import { DaybookError } from '../../kernel/errors.ts';
import { type CallMaker, createBatchCall } from './batch-call.ts';
import type { BatchWire } from './batch-messages.ts';
import type { EventTarget, TargetEvent } from './event-target.ts';
import { createKurrentTarget, type KurrentClient, type KurrentDialect } from './kurrent-target.ts';

/** Which client package speaks to the target. */
export type ClientName = 'eventstore' | 'kurrent';

export interface TargetAddress {
  /** `esdb://…` or `kurrentdb://…`, also with `+discover`; both clients take either. */
  readonly url: string;
  readonly client: ClientName;
  /** Batch: one call for all appends, which is several times faster. Single: a call for each. */
  readonly appends: 'batch' | 'single';
}

/** Makes one client after the other for the same address. */
export interface TargetMaker {
  open(): EventTarget;
}

interface ClientModule {
  readonly jsonEvent: (event: TargetEvent) => unknown;
  readonly EventStoreDBClient?: ClientClass;
  readonly KurrentDBClient?: ClientClass;
}

interface ClientClass {
  connectionString(text: string): KurrentClient;
}

const packages = {
  eventstore: '@eventstore/db-client',
  kurrent: '@kurrent/kurrentdb-client',
} as const;

/**
 * Loads the client package; nothing of it is loaded before. One process must not load both: they
 * register the same names of protobuf messages, and the second one breaks the first.
 * @throws DaybookError `relay-client-missing`, `invalid-options`
 */
export async function loadTargetMaker(address: TargetAddress): Promise<TargetMaker> {
  const name = packages[address.client];
  const loaded = await loadClient(address.client).catch((error: unknown) => {
    const message = `The package ${name} cannot be loaded.`;
    throw new DaybookError('relay-client-missing', message, { cause: error });
  });
  const Client = loaded.EventStoreDBClient ?? loaded.KurrentDBClient;
  if (Client === undefined) {
    throw new DaybookError('relay-client-missing', `${name} has no client that is known here.`);
  }
  const dialect: KurrentDialect = {
    expectedOption: address.client === 'kurrent' ? 'streamState' : 'expectedRevision',
    jsonEvent: loaded.jsonEvent,
  };
  const credentials = credentialsOf(address.url);
  const wire = address.client === 'eventstore' ? await loadWire() : undefined;
  let generation = 0;
  const open = () => {
    generation += 1;
    const client = Client.connectionString(connectionStringOf(address, generation));
    if (address.appends === 'single') return createKurrentTarget({ client, dialect, credentials });
    if (wire === undefined) return createKurrentTarget({ client, dialect });
    const batches = createBatchCall(client as KurrentClient & CallMaker, wire);
    return createKurrentTarget({ client, dialect, batches });
  };
  try {
    await open().close();
  } catch (error) {
    // Its message shows the text it was given, and in that a password.
    const message = 'The address of the relay’s target is not one that its client can read.';
    throw new DaybookError('invalid-options', message, { cause: error });
  }
  return { open };
}

async function loadClient(client: ClientName): Promise<ClientModule> {
  // By a name that is no literal: an optional peer, which need not be there when types are checked.
  const successor: string = packages.kurrent;
  const loaded: unknown =
    client === 'kurrent' ? await import(successor) : await import('@eventstore/db-client');
  return loaded as ClientModule;
}

/** The successor’s batch append has none of the faults for which that of 6.2.1 is not used. */
async function loadWire(): Promise<BatchWire> {
  const [streams, shared, service] = await Promise.all([
    import('@eventstore/db-client/generated/streams_pb.js'),
    import('@eventstore/db-client/generated/shared_pb.js'),
    import('@eventstore/db-client/generated/streams_grpc_pb.js'),
  ]);
  return { streams: streams.default, shared: shared.default, service: service.default };
}

/** What a client pings at by default, in ms. */
const KEEP_ALIVE_MS = 10_000;
const GENERATIONS = 1_000;

/**
 * The scheme that the client knows, and a keep-alive that differs a little for each client: gRPC shares
 * one connection between all clients with the same settings, and a new client on the very connection
 * that hangs would be of no use.
 */
function connectionStringOf({ url, client }: TargetAddress, generation: number): string {
  const scheme = client === 'kurrent' ? 'kurrentdb' : 'esdb';
  const text = url.trim().replace(/^(esdb|kurrentdb|kdb)(?=(\+discover)?:)/, scheme);
  if (/[?&]keepAliveInterval=/i.test(text)) return text;
  const keepAlive = KEEP_ALIVE_MS + (generation % GENERATIONS);
  return `${text}${text.includes('?') ? '&' : '?'}keepAliveInterval=${keepAlive}`;
}

/** Servers without users ignore them, but have to be given some. */
const nobody = { username: 'daybook', password: 'daybook' };

function credentialsOf(url: string): { readonly username: string; readonly password: string } {
  const [, username, password] = /^[^:]+:\/\/([^:@/]+):([^@/]+)@/.exec(url.trim()) ?? [];
  if (username === undefined || password === undefined) return nobody;
  return { username: decodeURIComponent(username), password: decodeURIComponent(password) };
}
