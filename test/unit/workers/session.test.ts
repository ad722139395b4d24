import { EventEmitter } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import type { WriteContext } from '../../../src/commands/write-context.ts';
import { silentObserver } from '../../../src/kernel/observer.ts';
import { createFakeClock } from '../../../src/testing/fake-clock.ts';
import { createBeatThreads } from '../../../src/workers/session/beat-threads.ts';
import { startSession } from '../../../src/workers/session/session.ts';
import type { BeatThread } from '../../../src/workers/session/start-beat-thread.ts';

const leaseMs = 12_000;
const lives = () => Promise.resolve([{ lease_until: 0, cancel_requested: [] }]);
const hasEnded = () => Promise.resolve([]);
const fails = () => Promise.reject(new Error('no connection'));
const hangs = () => new Promise<unknown[]>(() => undefined);

let end: () => Promise<unknown> = () => Promise.resolve();
afterEach(() => end());

/** A session whose thread has just beaten, on a database that answers beats as it is told. */
async function setUp() {
  const clock = createFakeClock();
  const seen = { looks: 0, lost: 0, cancelRequested: [] as string[] };
  let answer: () => Promise<unknown[]> = lives;
  const run = ({ name }: { name: string }) => {
    if (name !== 'beat-session') return Promise.resolve([]);
    seen.looks += 1;
    return answer();
  };
  const database = { run, schema: 'daybook', connection: { connectionString: 'postgres://x' } };
  const context = { database, observer: silentObserver, newId: () => 'session', random: () => 0 };
  const thread = Object.assign(new EventEmitter(), {
    postMessage: () => undefined,
    unref: () => undefined,
  });
  const session = await startSession(context as unknown as WriteContext, {
    name: 'test',
    version: '0',
    queues: [],
    types: [],
    slots: 1,
    leaseMs,
    beatMs: 4_000,
    stallMs: 60_000,
    clock,
    onCancelRequested: (ids) => seen.cancelRequested.push(...ids),
    onLost: () => {
      seen.lost += 1;
    },
    beatThreads: createBeatThreads(() => thread as unknown as BeatThread),
  });
  end = () => session.end();
  await turn();
  const beat = (...cancelRequested: string[]) =>
    thread.emit('message', { kind: 'beat', session: 'session', cancelRequested });
  beat();
  return {
    thread,
    seen,
    beat,
    answerWith(next: typeof answer) {
      answer = next;
      seen.looks = 0;
    },
    /** Lets time go by at once, as after an event loop that was blocked. */
    async pass(ms: number) {
      clock.advance(ms);
      await turn();
    },
  };
}

it('looks at the database before it takes itself for lapsed: its beats may wait unread', async () => {
  const { seen, pass, answerWith } = await setUp();
  answerWith(lives);
  await pass(leaseMs + 1_000);
  expect(seen).toMatchObject({ lost: 0, looks: 1 });
  await pass(1_000);
  expect(seen).toMatchObject({ lost: 0, looks: 1 });
});

it.each([
  ['has ended', hasEnded],
  ['cannot be looked at', fails],
])('is lost after a lapse when it %s', async (_, answer) => {
  const { seen, pass, answerWith } = await setUp();
  answerWith(answer);
  await pass(leaseMs + 1_000);
  expect(seen.lost).toBe(1);
  await pass(leaseMs);
  expect(seen.lost).toBe(1);
});

it('is lost after a lapse when the database does not answer within a beat', async () => {
  const { seen, pass, answerWith } = await setUp();
  answerWith(hangs);
  await pass(leaseMs + 1_000);
  expect(seen.lost).toBe(0);
  await pass(4_000);
  expect(seen.lost).toBe(1);
});

it('lives on when the unread beats come while it looks in vain', async () => {
  const { seen, pass, beat, answerWith } = await setUp();
  answerWith(hangs);
  await pass(leaseMs + 1_000);
  beat('job');
  await pass(4_000);
  expect(seen).toMatchObject({ lost: 0, cancelRequested: ['job'] });
});

it('does not look while the thread beats', async () => {
  const { seen, pass, beat, answerWith } = await setUp();
  answerWith(fails);
  for (let second = 0; second < 30; second += 1) {
    await pass(1_000);
    beat();
  }
  expect(seen).toMatchObject({ lost: 0, looks: 0 });
});

it.each(['error', 'exit'])(
  'beats from the main thread after the %s of the beat thread',
  async (how) => {
    const { thread, seen, pass, answerWith } = await setUp();
    answerWith(lives);
    thread.emit(how, new Error('out of memory'));
    await turn();
    expect(seen.looks).toBe(1);
    for (let beats = 2; beats <= 10; beats += 1) {
      await pass(4_000);
      expect(seen).toMatchObject({ lost: 0, looks: beats });
    }
  },
);
