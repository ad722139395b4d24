import { randomUUID } from 'node:crypto';
import {
  type BatchRequest,
  type BatchResponse,
  type BatchWire,
  brokenBy,
  correlationOf,
  refusalOf,
  requestOf,
  revisionIn,
} from './batch-messages.ts';
import {
  type ExpectedRevision,
  mustEndAt,
  type TargetEvent,
  TargetFailure,
} from './event-target.ts';

/** The call that all appends share. */
interface Call {
  write(request: BatchRequest): boolean;
  cancel(): void;
  on(event: 'data', listener: (response: BatchResponse) => void): Call;
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
  /** @param revision of the last event, where it was told */
  resolve(revision: bigint | undefined): void;
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

  const open = (): Promise<Shared> => {
    const over = () => {
      if (current === opening) current = null;
    };
    const opening = connect(client, wire, over);
    opening.catch(over);
    return opening;
  };

  return {
    async append(stream, events, expected) {
      const shared = await (current ??= open());
      const correlation = randomUUID();
      const request = requestOf(wire, { correlation, stream, events, expected });
      const revision = await new Promise<bigint | undefined>((resolve, reject) => {
        shared.pending.set(correlation, { resolve, reject });
        shared.call.write(request);
      });
      mustEndAt(revision, expected, events.length);
    },
  };
}

interface Shared {
  readonly call: Call;
  readonly pending: Map<string, Pending>;
}

/** @param over called when nothing more can be asked @throws TargetFailure */
async function connect(client: CallMaker, wire: BatchWire, over: () => void): Promise<Shared> {
  const create = client.GRPCStreamCreator(wire.service.StreamsClient, 'batchAppend', (made) =>
    made.batchAppend(...client.callArguments({}, { deadline: Number.POSITIVE_INFINITY })),
  );
  const call = await create().catch((error: unknown) => {
    throw error instanceof Error ? brokenBy(error) : error;
  });
  const shared: Shared = { call, pending: new Map() };
  const broken = (failure: TargetFailure) => {
    over();
    for (const { reject } of shared.pending.values()) reject(failure);
    shared.pending.clear();
  };
  call.on('data', (response) => answered(shared, response, wire));
  call.on('error', (error) => broken(brokenBy(error)));
  call.on('end', () => {
    broken(new TargetFailure('transient', 'call-ended', 'The server has ended the call.'));
    call.cancel();
  });
  return shared;
}

function answered({ pending }: Shared, response: BatchResponse, wire: BatchWire): void {
  const correlation = correlationOf(response);
  const asked = pending.get(correlation);
  // Given up in the meantime.
  if (asked === undefined) return;
  pending.delete(correlation);
  if (response.hasError()) asked.reject(refusalOf(response, wire));
  else asked.resolve(revisionIn(response));
}
