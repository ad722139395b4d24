const running = new Set<() => Promise<void>>();

/** Remembers what must be stopped before this process may end. @returns `stop`, which forgets it again */
export function untilStopped(stop: () => Promise<unknown>): () => Promise<void> {
  const stopAndForget = async () => {
    if (running.delete(stopAndForget)) await stop();
  };
  running.add(stopAndForget);
  return stopAndForget;
}

let stopping: Promise<void> | undefined;

/** Stops what is running, the last started first; whoever calls it again waits for the same end. */
export function stopAll(): Promise<void> {
  stopping ??= (async () => {
    // One that cannot be stopped must not keep the others running.
    for (const stop of [...running].toReversed()) await stop().catch(console.error);
  })();
  return stopping;
}
