import type { BeatMessage, BeatThreadData, MainMessage } from './beat-messages.ts';
import { type BeatThread, startBeatThread } from './start-beat-thread.ts';

/** What a session hears of its thread; after `gone` nothing more. */
export type Heard = BeatMessage | { readonly kind: 'gone'; readonly error?: unknown };

/** A session that a thread beats for. */
export interface Watched {
  /** To be called every second or so: that the event loop turns. */
  turning(): void;
  /** It is over. */
  leave(): void;
}

/**
 * The threads that beat for the sessions of a process: one for all that have the same lease, for it
 * costs 100 ms of processor time to start, and a connection.
 */
export interface BeatThreads {
  /** The thread beats for `session` as soon as it is up; `hear` is told in later turns. */
  watch(data: BeatThreadData, session: string, hear: (heard: Heard) => void): Watched;
}

/** @param startThread default: a thread of this process */
export function createBeatThreads(startThread = startBeatThread): BeatThreads {
  const threads = new Map<string, SharedThread>();
  return {
    watch(data, session, hear) {
      const key = JSON.stringify(data);
      const thread =
        threads.get(key) ?? new SharedThread(startThread(data), () => threads.delete(key));
      threads.set(key, thread);
      return thread.watch(session, hear);
    },
  };
}

/** Beating until its last session has left, or until it fails; then it is forgotten, for good. */
class SharedThread {
  readonly #thread: BeatThread;
  readonly #hearers = new Map<string, (heard: Heard) => void>();
  #forget: () => void;

  constructor(thread: BeatThread, forget: () => void) {
    this.#thread = thread;
    this.#forget = forget;
    thread.on('message', (message: BeatMessage) => this.#hearers.get(message.session)?.(message));
    thread.on('error', (error) => this.#end({ kind: 'gone', error }));
    thread.on('exit', () => this.#end({ kind: 'gone' }));
    thread.unref();
  }

  watch(session: string, hear: (heard: Heard) => void): Watched {
    this.#hearers.set(session, hear);
    this.#tell({ kind: 'watch', session });
    return {
      turning: () => this.#tell({ kind: 'turning' }),
      leave: () => {
        if (!this.#hearers.delete(session)) return;
        this.#tell({ kind: 'leave', session });
        if (this.#hearers.size === 0) this.#end({ kind: 'gone' });
      },
    };
  }

  #tell(message: MainMessage): void {
    this.#thread.postMessage(message);
  }

  #end(heard: Heard): void {
    this.#forget();
    // The next thread of the same key is another's to forget.
    this.#forget = () => undefined;
    const hearers = [...this.#hearers.values()];
    this.#hearers.clear();
    for (const hear of hearers) hear(heard);
  }
}
