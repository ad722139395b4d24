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

it.each([
  ['0', { status: 'fulfilled' }],
  // The stream was deleted, and counts on behind what is gone.
  ['3', { reason: { kind: 'wrong-version', reason: 'other-revision', actual: 3n } }],
  [undefined, { status: 'fulfilled' }],
])('takes an answer that tells revision %s for what it is', async (revision, outcome) => {
  const { batches, calls } = batchCall();
  const outcomes = Promise.allSettled([append(batches)]);
  await vi.waitFor(() => expect(calls[0]?.asked).toHaveLength(1));
  const asked = calls[0]?.asked[0] as InstanceType<typeof streams.BatchAppendReq> | undefined;
  const success = new streams.BatchAppendResp.Success();
  if (revision !== undefined) success.setCurrentRevision(revision);
  const answer = new streams.BatchAppendResp();
  answer.setCorrelationId(asked?.getCorrelationId());
  answer.setSuccess(success);
  calls[0]?.emit('data', answer);
  expect(await outcomes).toMatchObject([outcome]);
});

it('that has broken says nothing of the one after it', async () => {
  const { batches, calls } = batchCall();
  const first = Promise.allSettled([append(batches)]);
  await vi.waitFor(() => expect(calls[0]?.asked).toHaveLength(1));
  const [broken] = calls;
  const end = broken?.listeners('end')[0] as () => void;
  broken?.emit('error', new Error('broken'));
  await first;
  void append(batches);
  await vi.waitFor(() => expect(calls[1]?.asked).toHaveLength(1));
  end();
  void append(batches);
  await vi.waitFor(() => expect(calls.at(-1)?.asked).toHaveLength(2));
  expect(calls).toHaveLength(2);
});

it('is opened anew where there was none to be had', async () => {
  let isAway = true;
  const call = new SilentCall();
  const client = {
    GRPCStreamCreator: () => () =>
      isAway ? Promise.reject(new Error('away')) : Promise.resolve(call),
    callArguments: () => [],
  } as unknown as CallMaker;
  const batches = createBatchCall(client, { streams, shared, service });
  const away = { kind: 'transient', reason: 'unavailable', message: 'away' };
  await expect(append(batches)).rejects.toMatchObject(away);
  isAway = false;
  void append(batches);
  await vi.waitFor(() => expect(call.asked).toHaveLength(1));
});
