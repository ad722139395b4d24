import type { ServerResponse } from 'node:http';
import type { Clock } from '../../kernel/clock.ts';

/** Writes to a client as fast as it reads, and no faster: at most one chunk waits in this process. */
export interface PatientWriter {
  /** Aborts when the client has gone, or is given up. */
  readonly gone: AbortSignal;
  /**
   * Resolves when the client takes more. False once it has gone, or has taken nothing for too long;
   * its connection is then cut.
   */
  write(chunk: string | Buffer): Promise<boolean>;
  /** Ends the answer, after a last word; cuts the connection of a client that does not take it. */
  end(last?: string): void;
}

/** How long a client may take for the last words of an answer. */
const LAST_WORDS_MS = 1_000;

/**
 * @param stalledMs how long a client may take nothing before it is cut off
 * @param closing aborts when the server closes: a client that takes nothing is cut off soon after
 */
export function createPatientWriter(
  raw: ServerResponse,
  clock: Clock,
  stalledMs: number,
  closing: AbortSignal,
): PatientWriter {
  const gone = new AbortController();
  if (raw.destroyed) gone.abort();
  raw.once('close', () => gone.abort());
  const cutSoon = () =>
    raw.once(
      'close',
      clock.after(LAST_WORDS_MS, () => raw.destroy()),
    );
  closing.addEventListener('abort', cutSoon, { once: true, signal: gone.signal });
  // A socket that breaks is told of by `close`; without a listener this would end the process.
  raw.on('error', () => raw.destroy());

  return {
    gone: gone.signal,
    write(chunk) {
      if (gone.signal.aborted || raw.destroyed) return Promise.resolve(false);
      if (chunk.length === 0 || raw.write(chunk)) return Promise.resolve(true);
      return new Promise((resolve) => {
        const settle = (taken: boolean) => {
          cancel();
          raw.off('drain', drained);
          raw.off('close', closed);
          resolve(taken);
        };
        const drained = () => settle(true);
        const closed = () => settle(false);
        const cancel = clock.after(stalledMs, () => raw.destroy());
        raw.once('drain', drained);
        raw.once('close', closed);
      });
    },
    end(last = '') {
      if (raw.destroyed) return;
      cutSoon();
      raw.end(last);
    },
  };
}
