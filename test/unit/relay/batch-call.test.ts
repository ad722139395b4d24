import { EventEmitter } from 'node:events';
import shared from '@eventstore/db-client/generated/shared_pb.js';
import service from '@eventstore/db-client/generated/streams_grpc_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import { expect, it, vi } from 'vitest';
import {
  type BatchCall,
  type CallMaker,
  createBatchCall,
} from '../../../src/relay/target/batch-call.ts';

/** A call that keeps what is asked of it, and answers nothing. */
class SilentCall extends EventEmitter {
  readonly asked: unknown[] = [];
  write(request: unknown): boolean {
    this.asked.push(request);
    return true;
  }
  cancel(): void {
    this.removeAllListeners();
  }
}

function batchCall(): { readonly batches: BatchCall; readonly calls: SilentCall[] } {
  const calls: SilentCall[] = [];
  const client = {
    GRPCStreamCreator: () => () => {
      const call = new SilentCall();
      calls.push(call);
      return Promise.resolve(call);
    },
    callArguments: () => [],
  } as unknown as CallMaker;
  return { batches: createBatchCall(client, { streams, shared, service }), calls };
}

const event = { id: '00000000-0000-5000-8000-000000000001', type: 'A', data: {}, metadata: {} };
const append = (batches: BatchCall) => batches.append('job-1', [event], 'no-stream');

it.each([
  [{ code: 16 }, 'access-denied'],
  [{ code: 7 }, 'access-denied'],
  [{ code: 12 }, 'unsupported'],
  [{ code: 14 }, 'unavailable'],
  [{ code: 5, metadata: { get: () => ['not-leader'] } }, 'not-leader'],
  // It is the call that is refused, and none of the streams whose appends share it.
  [{ code: 9, metadata: { get: () => ['stream-deleted'] } }, 'stream-deleted'],
])('that breaks with %o lets all of its appends be tried again', async (broken, reason) => {
  const { batches, calls } = batchCall();
  const appends = [append(batches), append(batches)];
  const outcomes = Promise.allSettled(appends);
  await vi.waitFor(() => expect(calls[0]?.asked).toHaveLength(2));
  calls[0]?.emit('error', Object.assign(new Error('broken'), broken));
  const failure = { kind: 'transient', reason, message: 'broken' };
  expect(await outcomes).toMatchObject([{ reason: failure }, { reason: failure }]);
  void append(batches);
  await vi.waitFor(() => expect(calls[1]?.asked).toHaveLength(1));
});

it('that ends without a word does, too', async () => {
  const { batches, calls } = batchCall();
  const appended = append(batches);
  const outcome = Promise.allSettled([appended]);
  await vi.waitFor(() => expect(calls[0]?.asked).toHaveLength(1));
  calls[0]?.emit('end');
  const failure = { kind: 'transient', reason: 'call-ended' };
  expect(await outcome).toMatchObject([{ reason: failure }]);
});
