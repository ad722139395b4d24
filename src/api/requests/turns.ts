import type { WriteContext } from '../../commands/write-context.ts';
import type { Clock } from '../../kernel/clock.ts';

type WakeUp = WriteContext['wakeUp'];
type WakeTopic = Parameters<WakeUp['on']>[0];

/** The place of one request among those that wait for the same thing. */
export interface Turn {
  /** Resolves when this request should look: at a hint, after `ms`, or when the signal aborts. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
  /** There may be more than this request took: lets the next one look. */
  pass(): void;
  leave(): void;
}

/**
 * Shares hints out among the requests that wait for the same thing: jobs of a queue, events of a
 * subscription. A hint wakes one of them, the
 * one that has waited longest, and not all: with a hundred workers waiting, every submission would
 * otherwise start a hundred claims, of which one finds something.
 */
export interface Turns<Key> {
  enter(key: Key): Turn;
}

interface Line {
  /** In the order in which they began to wait. */
  readonly waiting: Set<() => void>;
  /** A hint came while everybody looked: the next one to wait looks again at once. */
  missed: boolean;
  members: number;
  readonly stop: () => void;
}

/** @param topicsOf the hints that concern a key */
export function createTurns<Key extends number | bigint>(
  topicsOf: (key: Key) => readonly WakeTopic[],
  wakeUp: WakeUp,
  clock: Clock,
): Turns<Key> {
  const lines = new Map<Key, Line>();

  const open = (key: Key): Line => {
    const stops = topicsOf(key).map((topic) => wakeUp.on(topic, () => hint(line)));
    const line: Line = {
      waiting: new Set(),
      missed: false,
      members: 0,
      stop: () => stops.forEach((stop) => stop()),
    };
    lines.set(key, line);
    return line;
  };

  return {
    enter(key) {
      const line = lines.get(key) ?? open(key);
      line.members += 1;
      return {
        wait: (ms, signal) => waitIn(line, ms, signal, clock),
        pass: () => hint(line),
        leave() {
          line.members -= 1;
          if (line.members > 0) return;
          line.stop();
          lines.delete(key);
        },
      };
    },
  };
}

function hint(line: Line): void {
  const [next] = line.waiting;
  if (next === undefined) {
    line.missed = true;
    return;
  }
  line.waiting.delete(next);
  next();
}

async function waitIn(line: Line, ms: number, signal: AbortSignal, clock: Clock): Promise<void> {
  if (line.missed) {
    line.missed = false;
    return;
  }
  const awake = new AbortController();
  const wake = () => awake.abort();
  line.waiting.add(wake);
  signal.addEventListener('abort', wake);
  await clock.sleep(signal.aborted ? 0 : ms, awake.signal);
  signal.removeEventListener('abort', wake);
  line.waiting.delete(wake);
}
