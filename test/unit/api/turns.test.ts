import { describe, expect, it } from 'vitest';
import { createTurns } from '../../../src/api/requests/turns.ts';
import type { WriteContext } from '../../../src/commands/write-context.ts';
import { type Clock, systemClock } from '../../../src/kernel/clock.ts';

/** Listeners by topic; a hint calls them. */
function wakeUps() {
  const listeners = new Map<string, Set<() => void>>();
  const wakeUp = {
    on(topic: string, listener: () => void) {
      const all = listeners.get(topic) ?? new Set();
      listeners.set(topic, all.add(listener));
      return () => all.delete(listener);
    },
  } as unknown as WriteContext['wakeUp'];
  const hint = (topic: string) => {
    for (const listener of listeners.get(topic) ?? []) listener();
  };
  return { wakeUp, hint, count: (topic: string) => listeners.get(topic)?.size ?? 0 };
}

/** A clock whose sleeps end only with their signal. */
const clock: Clock = {
  ...systemClock,
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (ms <= 0 || signal?.aborted === true) resolve();
      else signal?.addEventListener('abort', () => resolve());
    }),
};

const topicsOf = (queueId: number) => [`queue:${queueId}` as const];
const never = new AbortController().signal;

/** The names of waits, as they end. */
function ended() {
  const order: string[] = [];
  const note = (name: string, wait: Promise<void>) => wait.then(() => void order.push(name));
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  return { order, note, settled };
}

describe('turns of a queue', () => {
  it('wakes one per hint, the one that has waited longest', async () => {
    const { wakeUp, hint } = wakeUps();
    const turns = createTurns(topicsOf, wakeUp, clock);
    const { order, note, settled } = ended();
    for (const name of ['a', 'b', 'c']) void note(name, turns.enter(7).wait(1_000, never));
    hint('queue:8');
    await settled();
    expect(order).toEqual([]);
    hint('queue:7');
    await settled();
    expect(order).toEqual(['a']);
    hint('queue:7');
    hint('queue:7');
    await settled();
    expect(order).toEqual(['a', 'b', 'c']);
  });

  it('passes a turn on', async () => {
    const { wakeUp, hint } = wakeUps();
    const turns = createTurns(topicsOf, wakeUp, clock);
    const { order, note, settled } = ended();
    const first = turns.enter(7);
    void note('a', first.wait(1_000, never));
    void note('b', turns.enter(7).wait(1_000, never));
    hint('queue:7');
    first.pass();
    await settled();
    expect(order).toEqual(['a', 'b']);
  });

  it('remembers a hint that came while everybody looked, once', async () => {
    const { wakeUp, hint } = wakeUps();
    const turns = createTurns(topicsOf, wakeUp, clock);
    const { order, note, settled } = ended();
    const turn = turns.enter(7);
    hint('queue:7');
    hint('queue:7');
    await note('first', turn.wait(1_000, never));
    void note('second', turn.wait(1_000, never));
    await settled();
    expect(order).toEqual(['first']);
  });

  it('ends a wait with its signal, and does not give it another’s turn', async () => {
    const { wakeUp, hint } = wakeUps();
    const turns = createTurns(topicsOf, wakeUp, clock);
    const { order, note, settled } = ended();
    const gone = new AbortController();
    void note('gone', turns.enter(7).wait(1_000, gone.signal));
    void note('stays', turns.enter(7).wait(1_000, never));
    gone.abort();
    await settled();
    expect(order).toEqual(['gone']);
    await note('late', turns.enter(7).wait(1_000, gone.signal));
    hint('queue:7');
    await settled();
    expect(order).toEqual(['gone', 'late', 'stays']);
  });

  it('listens while somebody is there, and no longer', () => {
    const { wakeUp, count } = wakeUps();
    const turns = createTurns(topicsOf, wakeUp, clock);
    const [a, b] = [turns.enter(7), turns.enter(7)];
    expect(count('queue:7')).toBe(1);
    a.leave();
    expect(count('queue:7')).toBe(1);
    b.leave();
    expect(count('queue:7')).toBe(0);
    turns.enter(7);
    expect(count('queue:7')).toBe(1);
  });
});
