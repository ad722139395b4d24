import { EventEmitter } from 'node:events';
import { expect, it } from 'vitest';
import type { BeatThreadData, MainMessage } from '../../../src/workers/session/beat-messages.ts';
import { createBeatThreads, type Heard } from '../../../src/workers/session/beat-threads.ts';
import type { BeatThread } from '../../../src/workers/session/start-beat-thread.ts';

const data: BeatThreadData = {
  connectionString: 'postgres://x',
  schema: 'daybook',
  tenantId: 1,
  leaseMs: 12_000,
  beatMs: 4_000,
  stallMs: 60_000,
};

function setUp() {
  const started: { thread: EventEmitter; told: MainMessage[] }[] = [];
  const threads = createBeatThreads(() => {
    const told: MainMessage[] = [];
    const thread = Object.assign(new EventEmitter(), {
      postMessage: (message: MainMessage) => told.push(message),
      unref: () => undefined,
    });
    started.push({ thread, told });
    return thread as unknown as BeatThread;
  });
  const watch = (session: string, settings = data) => {
    const heard: Heard[] = [];
    return { heard, watched: threads.watch(settings, session, (each) => heard.push(each)) };
  };
  return { started, watch };
}

it('beats for sessions of the same lease in one thread, each hearing its own', () => {
  const { started, watch } = setUp();
  const [one, two] = [watch('one'), watch('two')];
  expect(started).toHaveLength(1);
  expect(started[0]?.told).toStrictEqual([
    { kind: 'watch', session: 'one' },
    { kind: 'watch', session: 'two' },
  ]);
  started[0]?.thread.emit('message', { kind: 'lost', session: 'two' });
  expect([one.heard, two.heard]).toStrictEqual([[], [{ kind: 'lost', session: 'two' }]]);
  watch('three', { ...data, leaseMs: 2_000 });
  expect(started).toHaveLength(2);
});

it('lets a thread end with the last of its sessions, and starts another for the next', () => {
  const { started, watch } = setUp();
  const [one, two] = [watch('one'), watch('two')];
  one.watched.leave();
  one.watched.leave();
  watch('three').watched.leave();
  expect(started).toHaveLength(1);
  two.watched.leave();
  expect(started[0]?.told.filter(({ kind }) => kind === 'leave')).toHaveLength(3);
  watch('four');
  expect(started).toHaveLength(2);
  // The first thread's end is not the second one's.
  started[0]?.thread.emit('exit');
  watch('five');
  expect(started).toHaveLength(2);
});

it.each(['error', 'exit'])('tells all its sessions of its %s, once', (how) => {
  const { started, watch } = setUp();
  const all = [watch('one'), watch('two')];
  const error = how === 'error' ? { error: new Error('out of memory') } : {};
  started[0]?.thread.emit(how, ...Object.values(error));
  started[0]?.thread.emit('exit');
  for (const { heard } of all) expect(heard).toStrictEqual([{ kind: 'gone', ...error }]);
  watch('three');
  expect(started).toHaveLength(2);
});
