const running = new Set<() => Promise<void>>();

/** Remembers what must be stopped before this process may end. @returns `stop`, which forgets it again */
export function untilStopped(stop: () => Promise<unknown>): () => Promise<void> {
  const stopAndForget = async () => {
    if (running.delete(stopAndForget)) await stop();
  };
  running.add(stopAndForget);
  return stopAndForget;
}

/** Stops what is running, the last started first. */
export async function stopAll(): Promise<void> {
  for (const stop of [...running].toReversed()) await stop();
}
