import { onOrder } from './orders.ts';

/**
 * Lets the harness shift the clocks of this process while it runs: what a machine does whose clock is
 * set, or that was frozen and thawed. Only here; the product knows nothing of it.
 */
export function makeClockShiftable(): void {
  const wall = Date.now.bind(Date);
  const monotonic = performance.now.bind(performance);
  let wallMs = 0;
  let aheadMs = 0;
  Date.now = () => wall() + wallMs;
  performance.now = () => monotonic() + aheadMs;
  onOrder((order) => {
    wallMs = order.wallMs;
    aheadMs += order.aheadMs;
  });
}
