import { createClient } from '../../../src/client/client.ts';
import { parseLogToken } from '../../../src/domain/log-token.ts';

/** Somebody who reads all events there are, and says how many it never got. */
export interface LogReader {
  readonly name: string;
  /** Takes nothing any more until `resume`. */
  pause(): void;
  resume(): void;
  /** Reads on until it has got what there is, and stops. Answers what was wrong with what it got. */
  finish(head: bigint): Promise<ReaderReport>;
}

export interface ReaderReport {
  readonly name: string;
  readonly events: number;
  /** Times that a connection was lost. */
  readonly lost: number;
  /** What it did not get, or got twice, or out of order. */
  readonly wrong: readonly string[];
}

const PATIENCE_MS = 60_000;

/** Follows the log over HTTP by the product’s own client, from the first position on. */
export function startLogReader(name: string, url: string): LogReader {
  const stop = new AbortController();
  const wrong: string[] = [];
  let position = 0n;
  let lost = 0;
  let gate: Promise<void> | null = null;
  let open: () => void = () => undefined;
  let told: () => void = () => undefined;
  const client = createClient({ url });

  async function read(): Promise<void> {
    const feed = client.events({
      after: 'start',
      signal: stop.signal,
      onLost: () => {
        lost += 1;
      },
    });
    for await (const { token } of feed) {
      const next = parseLogToken(token)?.position ?? 0n;
      if (next !== position + 1n) wrong.push(`${next} came after ${position}`);
      position = next;
      told();
      if (gate !== null) await gate;
    }
  }

  const reading = read().catch((error: unknown) => wrong.push(`it gave up: ${String(error)}`));
  return {
    name,
    pause() {
      gate ??= new Promise((resolve) => {
        open = resolve;
      });
    },
    resume() {
      gate = null;
      open();
    },
    async finish(head) {
      const arrived = new Promise<void>((resolve) => {
        told = () => position >= head && resolve();
        told();
      });
      const patience = AbortSignal.timeout(PATIENCE_MS);
      const over = new Promise<void>((resolve) => {
        patience.addEventListener('abort', () => resolve());
      });
      await Promise.race([arrived, over, reading]);
      stop.abort();
      if (position < head) wrong.push(`it never got further than ${position} of ${head}`);
      return { name, events: Number(position), lost, wrong };
    },
  };
}
