import pg from 'pg';
import type { Clock } from '../../kernel/clock.ts';

type Given = Parameters<Parameters<pg.Pool['connect']>[0]>;

/** A pool that knows how long is waited for its connections, and can leave those that nobody uses. */
export class WatchedPool extends pg.Pool {
  readonly #clock: Clock;
  /** Since when each one waits; in the order in which they came. */
  readonly #waiting = new Set<{ readonly since: number }>();
  readonly #idle = new Set<pg.PoolClient>();

  constructor(config: pg.PoolConfig, clock: Clock) {
    super(config);
    this.#clock = clock;
    this.on('release', (_error, client) => this.#idle.add(client));
    for (const end of ['acquire', 'remove'] as const) {
      this.on(end, (client) => this.#idle.delete(client));
    }
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
    for (const client of this.#idle) client.connection.stream.destroy();
  }

  override connect(): Promise<pg.PoolClient>;
  override connect(callback: (...given: Given) => void): void;
  // The pool’s own `query` comes by here too.
  override connect(callback?: (...given: Given) => void): Promise<pg.PoolClient> | undefined {
    const wait = { since: this.#clock.elapsedMs() };
    this.#waiting.add(wait);
    if (callback === undefined) return super.connect().finally(() => this.#waiting.delete(wait));
    super.connect((...given) => {
      this.#waiting.delete(wait);
      callback(...given);
    });
    return undefined;
  }
}
