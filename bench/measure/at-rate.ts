/**
 * Calls `work` `perSecond` times a second for `seconds`, on a fixed timetable whether or not earlier
 * calls have ended (an open loop: a slow server cannot slow its own load down).
 */
export async function atRate(
  perSecond: number,
  seconds: number,
  work: () => Promise<void>,
): Promise<void> {
  const total = perSecond * seconds;
  const startedAt = performance.now();
  const calls: Promise<void>[] = [];
  while (calls.length < total) {
    const due = Math.min(total, ((performance.now() - startedAt) / 1_000) * perSecond);
    while (calls.length < due) {
      const call = work();
      // Told at the end: a failure that nobody awaits yet would end the process, and leave its servers.
      call.catch(() => undefined);
      calls.push(call);
    }
    await new Promise((resolve) => {
      setTimeout(resolve, 1);
    });
  }
  await Promise.all(calls);
}
