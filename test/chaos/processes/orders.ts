/** What the harness says to a process. */
export type Order =
  /** Its wall clock is off by so much from now on, and its monotonic clock leaps ahead. */
  { readonly order: 'shift-clock'; readonly wallMs: number; readonly aheadMs: number };

/** Calls back for each order. The channel does not keep the process alive. */
export function onOrder(listener: (order: Order) => void): void {
  process.on('message', (message) => listener(message as Order));
  process.channel?.unref();
}

/** Tells the harness that this process is up. */
export function sayReady(): void {
  process.send?.('ready');
}
