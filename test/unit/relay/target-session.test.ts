import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { systemClock } from '../../../src/kernel/clock.ts';
import { silentObserver } from '../../../src/kernel/observer.ts';
import { type EventTarget, TargetFailure } from '../../../src/relay/target/event-target.ts';
import {
  createTargetSession,
  type TargetSession,
} from '../../../src/relay/target/target-session.ts';

/** What happened, in order: clients opened and closed, by their numbers. */
const story: string[] = [];
/** What each client does with an append. */
let answer: (client: number, stream: string) => Promise<void>;
let close: (client: number) => Promise<void>;
let session: TargetSession;

beforeEach(() => {
  vi.useFakeTimers();
  story.length = 0;
  close = () => Promise.resolve();
  let opened = 0;
  const open = (): EventTarget => {
    opened += 1;
    const client = opened;
    story.push(`open ${client}`);
    return {
      append: (stream) => answer(client, stream),
      readStream: () => never(),
      readAll: () => never(),
      async close() {
        await close(client);
        story.push(`closed ${client}`);
      },
    };
  };
  const clock = systemClock;
  session = createTargetSession({
    maker: { open },
    clock,
    observer: silentObserver,
    timeoutMs: 500,
  });
});
afterEach(() => {
  vi.useRealTimers();
});

const silence = () => new Promise<never>(() => undefined);
async function* never(): AsyncGenerator<never> {
  yield await silence();
}
const append = (stream = 'job-1') => session.append(stream, [], 'no-stream');
/** What became of work, without waiting for it. */
function outcome(work: Promise<unknown>): { of: string } {
  const told = { of: 'nothing yet' };
  work.then(
    () => (told.of = 'done'),
    (error: unknown) => (told.of = error instanceof TargetFailure ? error.reason : String(error)),
  );
  return told;
}

it('gives up a client that does not answer in time, with all that was asked of it, and makes another', async () => {
  answer = (client, stream) =>
    client === 1 && stream === 'job-hangs' ? silence() : Promise.resolve();
  const quick = outcome(append());
  const hangs = outcome(append('job-hangs'));
  await vi.advanceTimersByTimeAsync(300);
  const later = outcome(append('job-hangs'));
  await vi.advanceTimersByTimeAsync(199);
  expect([quick.of, hangs.of, later.of]).toEqual(['done', 'nothing yet', 'nothing yet']);
  await vi.advanceTimersByTimeAsync(1);
  expect([hangs.of, later.of]).toEqual(['no-answer', 'no-answer']);
  const again = outcome(append('job-hangs'));
  await vi.advanceTimersByTimeAsync(100);
  expect(again.of).toBe('done');
  expect(story).toEqual(['open 1', 'closed 1', 'open 2']);
});

it('does so with a read that never ends', async () => {
  const read = outcome(session.read('job-1', 0n, 1));
  await vi.advanceTimersByTimeAsync(500);
  expect(read.of).toBe('no-answer');
});

it('makes the next client once the one before is closed, or does not close in half a second', async () => {
  answer = (client) => (client === 1 ? silence() : Promise.resolve());
  close = silence;
  const first = outcome(append());
  await vi.advanceTimersByTimeAsync(500);
  const second = outcome(append());
  await vi.advanceTimersByTimeAsync(499);
  expect([first.of, second.of, story]).toEqual(['no-answer', 'nothing yet', ['open 1']]);
  await vi.advanceTimersByTimeAsync(50);
  expect([second.of, story]).toEqual(['done', ['open 1', 'open 2']]);
});

it('keeps the client where the target says what is wrong', async () => {
  answer = () => Promise.reject(new TargetFailure('transient', 'unknown', 'Server Is Busy'));
  const first = outcome(append());
  await vi.advanceTimersByTimeAsync(100);
  const second = outcome(append());
  await vi.advanceTimersByTimeAsync(1_000);
  expect([first.of, second.of, story]).toEqual(['unknown', 'unknown', ['open 1']]);
});

it('ends what is under way when it is closed, and opens nothing more', async () => {
  answer = silence;
  const asked = outcome(append());
  await vi.advanceTimersByTimeAsync(1);
  const closing = session.close();
  // Others than the one asked may take half a second.
  await vi.advanceTimersByTimeAsync(500);
  await closing;
  await expect(append()).rejects.toMatchObject({ kind: 'transient', reason: 'closed' });
  expect([asked.of, story]).toEqual(['closed', ['open 1', 'closed 1']]);
});
