import { createBackoff } from './backoff.ts';
import type { Clock } from './clock.ts';
import type { Service } from './service.ts';

export interface LoopOptions {
  readonly name: string;
  readonly clock: Clock;
  /** A number in [0, 1). */
  readonly random: () => number;
  /**
   * One round. Answers for how long to pause, in ms; 0 goes on at once.
   * @param signal aborts when the loop is asked to stop
   */
  step(signal: AbortSignal): Promise<number>;
  /** Told of each round that failed; the loop goes on after a growing pause. */
  onError(error: unknown): void;
  /** The longest pause after failures in ms; default 1,500. */
  readonly maxBackoffMs?: number;
}

/** A background round that repeats until stopped. A failed round never ends it. */
export interface Loop extends Service {
  /** Ends the present pause; during a round, makes the next pause no pause. */
  wake(): void;
}

/** What failed works again within two seconds of its cause: the pause, and the round after it. */
const MAX_BACKOFF_MS = 1_500;

/**
 * stopped -> running (start) -> stopping (stop) -> stopped. While running it is either in a round or
 * in a pause; `wake` is remembered from a round into the pause after it, so no hint is ever lost.
 */
export function createLoop(options: LoopOptions): Loop {
  const { clock } = options;
  let stopping = new AbortController();
  let endPause: (() => void) | null = null;
  let woken = false;
  let running: Promise<void> | null = null;

  async function pauseFor(ms: number): Promise<void> {
    if (ms > 0 && !woken && !stopping.signal.aborted) {
      // Not an AbortSignal: loops are woken thousands of times a second, and each abort makes an error.
      await new Promise<void>((resolve) => {
        const cancel = clock.after(ms, resolve);
        endPause = () => {
          cancel();
          resolve();
        };
      });
      endPause = null;
    }
    woken = false;
  }

  async function run(): Promise<void> {
    const backoff = createBackoff(100, options.maxBackoffMs ?? MAX_BACKOFF_MS, options.random);
    const { signal } = stopping;
    while (!signal.aborted) {
      try {
        const pauseMs = await options.step(signal);
        backoff.reset();
        await pauseFor(pauseMs);
      } catch (error) {
        if (!signal.aborted) options.onError(error);
        // A hint does not cut this pause short: what failed should be left alone for a while.
        if (!signal.aborted) await clock.sleep(backoff.nextMs(), signal);
      }
    }
  }

  return {
    name: options.name,
    start() {
      if (running === null) {
        stopping = new AbortController();
        running = run();
      }
      return Promise.resolve();
    },
    async stop() {
      stopping.abort();
      endPause?.();
      await running;
      running = null;
    },
    wake() {
      woken = true;
      endPause?.();
    },
  };
}
