/** A second Ctrl-C this long after the first one ends the process at once. */
const HURRY_AFTER_MS = 500;

/** Resolves, and `asked` turns true, when the process is told to stop. */
export interface Stopped {
  readonly asked: boolean;
  readonly promise: Promise<void>;
}

/** From now on SIGINT, SIGTERM and SIGHUP ask to stop; a second Ctrl-C ends the process. */
export function listenForSignals(): Stopped {
  let askedAt: number | null = null;
  let tell: () => void = () => undefined;
  const promise = new Promise<void>((done) => {
    tell = done;
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      // A terminal and a parent process may both pass the same Ctrl-C on.
      if (askedAt !== null && performance.now() - askedAt > HURRY_AFTER_MS) process.exit(130);
      askedAt ??= performance.now();
      tell();
    });
  }
  return {
    promise,
    get asked() {
      return askedAt !== null;
    },
  };
}
