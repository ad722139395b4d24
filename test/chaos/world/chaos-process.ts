import { type ChildProcess, fork } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { TcpProxy } from '../../support/tcp-proxy.ts';

export type Role = 'worker' | 'api' | 'keeper';

/** One process of the product, that is started again whenever it ends. */
export interface ChaosProcess {
  readonly name: string;
  readonly role: Role;
  /** Its way to the database. */
  readonly proxy: TcpProxy;
  /** Of the process that runs now; 0 while none does. */
  readonly pid: number;
  /** Resolves when it is up; it is tried again and again until then. */
  readonly ready: Promise<void>;
  /** Times that it ended after it was up, and nobody had asked for that. */
  readonly surprises: readonly string[];
  /** Ends it by SIGKILL; the next one starts after `awayMs`. */
  kill(awayMs: number): void;
  pause(): void;
  resume(): void;
  /** Says something to it; see processes/orders.ts. */
  order(order: unknown): void;
  /** Ends it for good, gracefully; answers its exit code, null for a signal. */
  stop(): Promise<number | null>;
  /** Its newest lines. */
  lines(): readonly string[];
}

export interface ChaosProcessOptions {
  readonly name: string;
  readonly role: Role;
  readonly proxy: TcpProxy;
  readonly args: readonly string[];
  /** Modules that change it before it starts. */
  readonly preloads: readonly string[];
  readonly onLine: (line: string) => void;
}

const runner = fileURLToPath(new URL('../../../scripts/run.mjs', import.meta.url));
const scripts: Readonly<Record<Role, string>> = {
  worker: fileURLToPath(new URL('../processes/worker.ts', import.meta.url)),
  api: fileURLToPath(new URL('../processes/api.ts', import.meta.url)),
  keeper: fileURLToPath(new URL('../processes/keeper.ts', import.meta.url)),
};

const RESTART_MS = 500;
const START_PATIENCE_MS = 30_000;
const STOP_PATIENCE_MS = 45_000;
const KEPT_LINES = 40;
/** Of a process that ended by itself: an uncaught error and where it came from. */
const SAID_LINES = 12;

export function startChaosProcess(options: ChaosProcessOptions): ChaosProcess {
  return new Supervised(options);
}

class Supervised implements ChaosProcess {
  readonly name: string;
  readonly role: Role;
  readonly proxy: TcpProxy;
  readonly surprises: string[] = [];
  readonly #options: ChaosProcessOptions;
  readonly #lines: string[] = [];
  #child: ChildProcess | null = null;
  #isUp = false;
  #askedToEnd = false;
  #stopping = false;
  #restartMs = RESTART_MS;
  #whenEnded: (code: number | null) => void = () => undefined;
  #whenUp: () => void = () => undefined;
  ready: Promise<void>;

  constructor(options: ChaosProcessOptions) {
    this.name = options.name;
    this.role = options.role;
    this.proxy = options.proxy;
    this.#options = options;
    this.ready = this.#promiseReady();
    this.#start();
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  kill(awayMs: number): void {
    this.#askedToEnd = true;
    this.#restartMs = awayMs;
    this.#child?.kill('SIGKILL');
  }

  pause(): void {
    this.#child?.kill('SIGSTOP');
  }

  resume(): void {
    this.#child?.kill('SIGCONT');
  }

  order(order: unknown): void {
    if (this.#child?.connected) this.#child.send(order as object);
  }

  lines(): readonly string[] {
    return this.#lines;
  }

  async stop(): Promise<number | null> {
    // One that is still coming up would die of the signal.
    if (!this.#stopping) await Promise.race([this.ready, wait(START_PATIENCE_MS)]);
    this.#stopping = true;
    this.#askedToEnd = true;
    const child = this.#child;
    if (child === null) return null;
    return new Promise((resolve) => {
      this.#whenEnded = resolve;
      child.kill('SIGCONT');
      child.kill('SIGTERM');
      setTimeout(() => child.kill('SIGKILL'), STOP_PATIENCE_MS).unref();
    });
  }

  #promiseReady(): Promise<void> {
    return new Promise((resolve) => {
      this.#whenUp = resolve;
    });
  }

  #start(): void {
    if (this.#stopping) return;
    const { role, args, preloads } = this.#options;
    const child = fork(runner, [scripts[role], ...args], {
      execArgv: preloads.flatMap((preload) => ['--import', preload]),
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.#child = child;
    child.on('message', (message) => {
      if (message !== 'ready') return;
      this.#isUp = true;
      this.#whenUp();
    });
    // Said to a process that was killed in that moment.
    child.on('error', () => undefined);
    for (const stream of [child.stdout, child.stderr]) {
      if (stream !== null)
        createInterface({ input: stream }).on('line', (line) => this.#keep(line));
    }
    child.once('close', (code, signal) => this.#ended(code, signal));
  }

  #keep(line: string): void {
    this.#lines.push(line);
    if (this.#lines.length > KEPT_LINES) this.#lines.shift();
    this.#options.onLine(`${this.name} ${line}`);
  }

  #ended(code: number | null, signal: NodeJS.Signals | null): void {
    if (this.#isUp && !this.#askedToEnd) {
      const said = this.#lines.slice(-SAID_LINES).join(' | ');
      this.surprises.push(signal ?? `exit code ${code}, having said: ${said}`);
    }
    if (this.#isUp) this.ready = this.#promiseReady();
    this.#child = null;
    this.#isUp = false;
    this.#askedToEnd = this.#stopping;
    this.#whenEnded(code);
    const waitMs = this.#restartMs;
    this.#restartMs = RESTART_MS;
    if (!this.#stopping) setTimeout(() => this.#start(), waitMs);
  }
}
