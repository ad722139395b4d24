/**
 * Calls `work` in `lanes` at once, each as soon as its last call has ended, for `seconds`.
 * @returns how long each call took and how long all of it, in ms
 */
export async function closedLoop(
  lanes: number,
  seconds: number,
  work: () => Promise<unknown>,
): Promise<{ readonly samples: number[]; readonly ms: number }> {
  const samples: number[] = [];
  const from = performance.now();
  const lane = async () => {
    while (performance.now() - from < seconds * 1_000) {
      const at = performance.now();
      await work();
      samples.push(performance.now() - at);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return { samples, ms: performance.now() - from };
}
