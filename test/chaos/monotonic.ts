/**
 * ms of the machine's own clock that only goes forward: the same in all processes, and not what the
 * fault `clock-jump` shifts.
 */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1_000_000;
}
