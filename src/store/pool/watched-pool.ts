import pg from 'pg';
import type { Clock } from '../../kernel/clock.ts';

type Given = Parameters<Parameters<pg.Pool['connect']>[0]>;
type Callback = (...given: Given) => void;

/**
 * Connections that are opened at the same time. When a server comes back, everything in a process wants
 * one; opening them all at once takes longest when the machine is busiest, and those that take too long
 * begin anew. Two are there sooner, and serve the others.
 */
const MAX_OPENING = 2;

/**
 * A pool that opens few connections at a time, knows how long is waited for them, and can leave those
 * that nobody uses.
 */
export class WatchedPool extends pg.Pool {
  readonly #clock: Clock;
  readonly #patienceMs: number;
  /** Since when each one waits; in the order in which they came. */
  readonly #waiting = new Set<{ readonly since: number }>();
  /** Those that wait for others to have opened theirs, or to have given theirs back. */
  readonly #line = new Set<() => void>();
  readonly #idle = new Set<pg.PoolClient>();
  #opening = 0;

  /** @param patienceMs how long a connection is waited for */
  constructor(config: pg.PoolConfig, patienceMs: number, clock: Clock) {
    super({ ...config, connectionTimeoutMillis: patienceMs });
    this.#clock = clock;
    this.#patienceMs = patienceMs;
    this.on('release', (_error, client) => this.#idle.add(client));
    for (const end of ['acquire', 'remove'] as const) {
      this.on(end, (client) => this.#idle.delete(client));
    }
    this.on('release', () => this.#nextSoon());
  }

  /** How long the one has waited that waits longest, in ms; 0 if nobody does. */
  waitingMs(): number {
    const [first] = this.#waiting;
    return first === undefined ? 0 : this.#clock.elapsedMs() - first.since;
  }

  /**
   * Cuts the connections that nobody uses now. Where one of them says nothing any more the others lead
   * the same way, and each would have to be found out by a statement that waits for its whole time.
   */
  leaveIdle(): void {
    for (const client of this.#idle) {
      // As when it breaks: the pool lets go of it now, and not after it has been given to somebody.
      client.emit('error', new Error('Connection terminated: another one of the pool went silent'));
      client.connection.stream.destroy();
    }
  }

  override connect(): Promise<pg.PoolClient>;
  override connect(callback: Callback): void;
  // The pool’s own `query` comes by here too.
  override connect(callback?: Callback): Promise<pg.PoolClient> | undefined {
    if (callback !== undefined) {
      this.#take(callback);
      return undefined;
    }
    return new Promise((resolve, reject) => {
      this.#take((error, client) => {
        if (client === undefined) reject(error ?? new Error('no connection'));
        else resolve(client);
      });
    });
  }

  #take(callback: Callback): void {
    const wait = { since: this.#clock.elapsedMs() };
    this.#waiting.add(wait);
    const taken: Callback = (...given) => {
      this.#waiting.delete(wait);
      callback(...given);
    };
    if (this.#mayGo()) this.#go(taken);
    else this.#stand(taken);
  }

  /** Whether a connection is free, or may be opened, or is to be waited for in the pool’s own line. */
  #mayGo(): boolean {
    const isFull = this.totalCount >= this.options.max;
    return this.idleCount > 0 || isFull || this.#opening < MAX_OPENING;
  }

  #go(callback: Callback): void {
    const opens = this.idleCount === 0 && this.totalCount < this.options.max;
    if (opens) this.#opening += 1;
    super.connect((...given) => {
      if (opens) {
        this.#opening -= 1;
        this.#nextSoon();
      }
      callback(...given);
    });
  }

  #stand(callback: Callback): void {
    const go = () => {
      this.#line.delete(go);
      cancel();
      this.#go(callback);
    };
    this.#line.add(go);
    const cancel = this.#clock.after(this.#patienceMs, () => {
      this.#line.delete(go);
      // In the words of the pool, for one that stood in its own line.
      callback(new Error('timeout exceeded when trying to connect'), undefined, () => undefined);
    });
  }

  /** Once the pool has it among those that are free, or has let go of it. */
  #nextSoon(): void {
    if (this.#line.size > 0) setImmediate(() => this.#next());
  }

  #next(): void {
    for (const go of this.#line) {
      if (!this.#mayGo()) return;
      go();
    }
  }
}
