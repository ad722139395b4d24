import type { Clock } from '../../kernel/clock.ts';
import type { Observer } from '../../kernel/observer.ts';
import {
  type EventTarget,
  type ExpectedRevision,
  type StoredTargetEvent,
  type TargetEvent,
  TargetFailure,
} from './event-target.ts';
import type { TargetMaker } from './open-target.ts';

export interface TargetSessionOptions {
  readonly maker: TargetMaker;
  readonly clock: Clock;
  readonly observer: Observer;
  /** For one append, and for one read of a few events, in ms. */
  readonly timeoutMs: number;
}

/** Appends and reads that always end. */
export interface TargetSession {
  /** @throws TargetFailure, `transient` with reason `no-answer` when its time is over */
  append(stream: string, events: readonly TargetEvent[], expected: ExpectedRevision): Promise<void>;
  /** A few events of a stream. @throws TargetFailure */
  read(stream: string, from: bigint, limit: number): Promise<StoredTargetEvent[]>;
  close(): Promise<void>;
}

/** How long a client may take to end before it is left to itself, in ms. */
const CLOSE_MS = 500;

/**
 * What is asked of a client in the moment after its call broke goes to the broken call, and is never
 * answered; a little later it has another one.
 */
const SETTLE_MS = 25;

interface Generation {
  readonly target: EventTarget;
  /** What it has not answered: it ends with the client. */
  readonly asked: Set<Asked>;
}

interface Asked {
  reject(failure: TargetFailure): void;
  cancel(): void;
}

/**
 * A client that is given up as soon as it does not answer in time: the client of 6.2.1 can hang for
 * ever, as where the server never answers or ends its side of the call. Whatever is under way ends with
 * it, as `transient`, and the next one is only made once it is closed.
 */
export function createTargetSession(options: TargetSessionOptions): TargetSession {
  return new Session(options);
}

class Session implements TargetSession {
  readonly #options: TargetSessionOptions;
  #current: Generation | null = null;
  #closing: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: TargetSessionOptions) {
    this.#options = options;
  }

  append(
    stream: string,
    events: readonly TargetEvent[],
    expected: ExpectedRevision,
  ): Promise<void> {
    return this.#inTime((target) => target.append(stream, events, expected));
  }

  read(stream: string, from: bigint, limit: number): Promise<StoredTargetEvent[]> {
    return this.#inTime(async (target) => {
      const found: StoredTargetEvent[] = [];
      for await (const event of target.readStream(stream, { from, limit })) found.push(event);
      return found;
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#closing;
    const last = this.#current;
    this.#current = null;
    if (last === null) return;
    end(last, new TargetFailure('transient', 'closed', 'The relay is stopping.'));
    await this.#closeInTime(last.target);
  }

  async #generation(): Promise<Generation> {
    await this.#closing;
    if (this.#closed) throw new TargetFailure('transient', 'closed', 'The relay is stopping.');
    return (this.#current ??= { target: this.#options.maker.open(), asked: new Set() });
  }

  async #inTime<Answer>(ask: (target: EventTarget) => Promise<Answer>): Promise<Answer> {
    const { clock } = this.#options;
    const which = await this.#generation();
    try {
      return await this.#answer(which, ask);
    } catch (error) {
      if (error instanceof TargetFailure && error.kind === 'transient') {
        const rest = clock.sleep(SETTLE_MS);
        this.#closing = Promise.all([this.#closing, rest]).then(() => undefined);
      }
      throw error;
    }
  }

  /** No race with one promise for all: each would be kept by it for as long as the client lives. */
  #answer<Answer>(
    which: Generation,
    ask: (target: EventTarget) => Promise<Answer>,
  ): Promise<Answer> {
    const { clock, timeoutMs } = this.#options;
    return new Promise<Answer>((resolve, reject) => {
      const cancel = clock.after(timeoutMs, () => {
        const message = `No answer in ${timeoutMs} ms.`;
        this.#giveUp(which, new TargetFailure('transient', 'no-answer', message));
      });
      const asked: Asked = { reject, cancel };
      which.asked.add(asked);
      const settle = () => {
        cancel();
        which.asked.delete(asked);
      };
      ask(which.target).then(
        (answer) => {
          settle();
          resolve(answer);
        },
        (error: unknown) => {
          settle();
          reject(error instanceof Error ? error : new Error(String(error)));
        },
      );
    });
  }

  #giveUp(which: Generation, failure: TargetFailure): void {
    if (this.#current !== which) return;
    const { observer, timeoutMs } = this.#options;
    this.#current = null;
    end(which, failure);
    this.#closing = this.#closeInTime(which.target);
    observer.warn('the client of the relay’s target did not answer, and is replaced', {
      timeoutMs,
    });
  }

  async #closeInTime(target: EventTarget): Promise<void> {
    const { clock, observer } = this.#options;
    const done = new AbortController();
    await Promise.race([
      target.close().catch((error: unknown) => {
        observer.warn('a client of the relay’s target did not close', { error });
      }),
      clock.sleep(CLOSE_MS, done.signal),
    ]);
    done.abort();
  }
}

function end({ asked }: Generation, failure: TargetFailure): void {
  for (const { reject, cancel } of asked) {
    cancel();
    reject(failure);
  }
  asked.clear();
}
