/** What a process waits for: it is told how to go on, once. */
export type Wait = (resume: (value?: unknown) => void) => void;

/** The steps of a process. Between two of them it may be stopped for a while, or for good. */
export type Steps<Result = void> = Generator<Wait, Result, unknown>;

/** Several processes that live and die together, as the threads of one machine's process do. */
export interface Group {
  readonly alive: boolean;
  /** Begins steps; answers how to end just these. */
  spawn(steps: Steps<unknown>): () => void;
  /** SIGKILL: nothing of it ever goes on. */
  kill(): void;
  /** SIGSTOP: what comes meanwhile is heard at `wake`. */
  pause(): void;
  /** SIGCONT. */
  wake(): void;
}

/** Virtual time, and what is to happen in it. */
export interface World {
  readonly nowMs: number;
  after(ms: number, callback: () => void): void;
  group(): Group;
  /** Lets time go on until nothing is left to happen, until `enough`, or until `untilMs`. */
  run(untilMs: number, enough: () => boolean): void;
}

interface Timer {
  readonly atMs: number;
  readonly order: number;
  readonly callback: () => void;
}

/** A day in the middle of nowhere; time is ms since the epoch. */
export const BEGINNING = 1_700_000_000_000;

/** Things to happen that are more than any sane run has: it goes in circles. */
const MOST_EVENTS = 200_000;

export function createWorld(): World {
  const timers = createHeap();
  let nowMs = BEGINNING;
  let order = 0;
  const after = (ms: number, callback: () => void) => {
    timers.push({ atMs: nowMs + ms, order: (order += 1), callback });
  };
  return {
    get nowMs() {
      return nowMs;
    },
    after,
    group: () => createGroup(after),
    run(untilMs, enough) {
      for (let events = 0; !enough(); events += 1) {
        if (events > MOST_EVENTS) throw new Error('The run goes in circles.');
        const next = timers.pop(untilMs);
        if (next === undefined) return;
        nowMs = next.atMs;
        next.callback();
      }
    },
  };
}

function createGroup(after: World['after']): Group {
  let alive = true;
  let paused = false;
  let held: (() => void)[] = [];

  const goOn = (step: () => void) => {
    if (!alive) return;
    if (paused) held.push(step);
    else step();
  };
  return {
    get alive() {
      return alive;
    },
    spawn(steps) {
      let ended = false;
      const step = (value: unknown) => {
        if (ended) return;
        const { done, value: wait } = steps.next(value);
        if (done === true) return;
        let told = false;
        wait((answer) => {
          if (told) return;
          told = true;
          after(0, () => goOn(() => step(answer)));
        });
      };
      after(0, () => goOn(() => step(undefined)));
      return () => {
        ended = true;
      };
    },
    kill() {
      alive = false;
      held = [];
    },
    pause() {
      paused = true;
    },
    wake() {
      paused = false;
      const steps = held;
      held = [];
      for (const step of steps) after(0, () => goOn(step));
    },
  };
}

/** Waits for what is told by a callback. */
export function* until<Result>(start: (done: (result: Result) => void) => void): Steps<Result> {
  return (yield start) as Result;
}

/** A heap of timers, the earliest on top; those of one time in the order in which they came. */
function createHeap() {
  const heap: Timer[] = [];
  const isBefore = (a: Timer, b: Timer) => a.atMs - b.atMs || a.order - b.order;
  const swap = (a: number, b: number) => {
    const timer = heap[a] as Timer;
    heap[a] = heap[b] as Timer;
    heap[b] = timer;
  };
  const less = (a: number, b: number) => isBefore(heap[a] as Timer, heap[b] as Timer) < 0;
  return {
    push(timer: Timer): void {
      heap.push(timer);
      for (let at = heap.length - 1; at > 0; ) {
        const parent = (at - 1) >> 1;
        if (!less(at, parent)) return;
        swap(at, parent);
        at = parent;
      }
    },
    pop(untilMs: number): Timer | undefined {
      const [first] = heap;
      if (first === undefined || first.atMs > untilMs) return undefined;
      const last = heap.pop() as Timer;
      if (heap.length === 0) return first;
      heap[0] = last;
      for (let at = 0; ; ) {
        const left = 2 * at + 1;
        const right = left + 1;
        let least = at;
        if (left < heap.length && less(left, least)) least = left;
        if (right < heap.length && less(right, least)) least = right;
        if (least === at) return first;
        swap(at, least);
        at = least;
      }
    },
  };
}
