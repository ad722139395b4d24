import { DaybookError } from '../../kernel/errors.ts';

/** The answers of this process that go on for as long as their clients like; bounded. */
export interface OpenStreams {
  readonly size: number;
  /**
   * Takes a place; `end` of the answer gives it back.
   * @throws DaybookError `overloaded` when there is none, or the server closes
   */
  begin(): OpenStream;
  /** Ends all of them, for a server that closes. */
  endAll(): void;
}

export interface OpenStream {
  /** Aborts when the server closes. */
  readonly closing: AbortSignal;
  end(): void;
}

/** @param limit streams that may be open at the same time */
export function createOpenStreams(limit: number): OpenStreams {
  const open = new Set<AbortController>();
  let closing = false;
  return {
    get size() {
      return open.size;
    },
    begin() {
      if (closing) throw new DaybookError('overloaded', 'The server is shutting down.');
      if (open.size >= limit) {
        throw new DaybookError('overloaded', `${limit} subscribers read from this server already.`);
      }
      const controller = new AbortController();
      open.add(controller);
      return { closing: controller.signal, end: () => void open.delete(controller) };
    },
    endAll() {
      closing = true;
      for (const controller of open) controller.abort();
    },
  };
}
