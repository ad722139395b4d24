import { type AddressInfo, createServer, type Server, Socket } from 'node:net';

/** A way to a server that can be cut, slowed down, stopped, or go silent. */
export interface TcpProxy {
  readonly port: number;
  /** Connections that lead through it now. */
  readonly size: number;
  /** Connections that were made through it so far. */
  readonly made: number;
  /** Whether a connection that the server sees coming from this port leads through here. */
  leads(clientPort: number): boolean;
  /** Resets every connection; with `closed`, new ones are reset too until `heal`. */
  cut(then?: 'open' | 'closed'): void;
  /** Each piece arrives so much later. */
  delay(ms: number): void;
  /** Keeps everything that is sent, in both directions; `heal` delivers it. */
  hold(): void;
  /**
   * Every connection becomes half open: nothing passes any more, in either direction, and nobody is
   * told. So it stays for those there are now, also after `heal`; new ones are silent until then.
   */
  silence(): void;
  /** All is well from now on, except on half open connections. */
  heal(): void;
  /** The server learns that the other ends of its half open connections are gone. */
  bury(): void;
  close(): Promise<void>;
}

/** @param target the port on this machine that it leads to */
export async function startTcpProxy(target: () => number): Promise<TcpProxy> {
  const proxy = new Proxy(target);
  await proxy.listen();
  return proxy;
}

class Proxy implements TcpProxy {
  readonly #target: () => number;
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  #mode: 'open' | 'silent' | 'closed' = 'open';
  #lateness = 0;
  #made = 0;

  constructor(target: () => number) {
    this.#target = target;
    this.#server = createServer({ allowHalfOpen: true }, (near) => this.#accept(near));
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject).listen(0, '127.0.0.1', () => resolve());
    });
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get size(): number {
    return this.#pairs.size;
  }

  get made(): number {
    return this.#made;
  }

  leads(clientPort: number): boolean {
    return [...this.#pairs].some(({ far }) => far.localPort === clientPort);
  }

  cut(then: 'open' | 'closed' = 'open'): void {
    this.#mode = then;
    for (const pair of this.#pairs) pair.reset();
  }

  delay(ms: number): void {
    this.#lateness = ms;
    for (const pair of this.#pairs) pair.late(ms);
  }

  hold(): void {
    this.delay(Number.POSITIVE_INFINITY);
  }

  silence(): void {
    this.#mode = 'silent';
    for (const pair of this.#pairs) pair.silence();
  }

  heal(): void {
    this.#mode = 'open';
    this.delay(0);
  }

  bury(): void {
    for (const pair of this.#pairs) pair.bury();
  }

  async close(): Promise<void> {
    this.cut('closed');
    await new Promise((resolve) => {
      this.#server.close(resolve);
    });
  }

  #accept(near: Socket): void {
    if (this.#mode === 'closed') {
      near.on('error', () => undefined);
      near.resetAndDestroy();
      return;
    }
    const far = new Socket({ allowHalfOpen: true });
    const pair = new Pair(near, far, () => this.#pairs.delete(pair));
    this.#pairs.add(pair);
    this.#made += 1;
    pair.late(this.#lateness);
    if (this.#mode === 'silent') pair.silence();
    far.connect(this.#target(), '127.0.0.1');
  }
}

/** One connection through the proxy: from its client (near) to the server (far). */
class Pair {
  readonly far: Socket;
  readonly #near: Socket;
  readonly #lanes: readonly Lane[];
  readonly #onEnd: () => void;

  constructor(near: Socket, far: Socket, onEnd: () => void) {
    this.#near = near;
    this.far = far;
    this.#onEnd = onEnd;
    this.#lanes = [new Lane(near, far), new Lane(far, near)];
    for (const socket of [near, far]) {
      socket.setNoDelay(true);
      socket.on('close', () => {
        if (near.destroyed && far.destroyed) this.#onEnd();
      });
    }
  }

  late(ms: number): void {
    for (const lane of this.#lanes) lane.late(ms);
  }

  silence(): void {
    for (const lane of this.#lanes) lane.silence();
  }

  bury(): void {
    if (this.#lanes.some(({ silent }) => silent)) this.reset();
  }

  reset(): void {
    this.#onEnd();
    this.silence();
    this.#near.resetAndDestroy();
    this.far.resetAndDestroy();
  }
}

/** One direction of a connection: what comes in on one side goes out on the other, in order. */
class Lane {
  silent = false;
  readonly #queue: { readonly dueAt: number; readonly pass: () => void }[] = [];
  #lateMs = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(from: Socket, to: Socket) {
    from.on('data', (chunk) => this.#take(() => to.writable && to.write(chunk)));
    from.on('end', () => this.#take(() => to.end()));
    // A reset, or a server that is not there: the other side is told in the same way.
    from.on('error', () => this.#take(() => to.resetAndDestroy()));
    from.on('close', () => this.#take(() => to.destroy()));
  }

  late(ms: number): void {
    this.#lateMs = ms;
    // What waits already waits no longer than what comes now.
    const latest = performance.now() + ms;
    for (const [index, { dueAt, pass }] of this.#queue.entries()) {
      this.#queue[index] = { dueAt: Math.min(dueAt, latest), pass };
    }
    this.#pass();
  }

  silence(): void {
    this.silent = true;
    this.#queue.length = 0;
    clearTimeout(this.#timer);
  }

  #take(pass: () => void): void {
    if (this.silent) return;
    this.#queue.push({ dueAt: performance.now() + this.#lateMs, pass });
    this.#pass();
  }

  #pass(): void {
    clearTimeout(this.#timer);
    for (;;) {
      const [next] = this.#queue;
      if (next === undefined) return;
      const waitMs = next.dueAt - performance.now();
      if (waitMs > 0) {
        if (Number.isFinite(waitMs)) this.#timer = setTimeout(() => this.#pass(), waitMs);
        return;
      }
      this.#queue.shift();
      next.pass();
    }
  }
}
