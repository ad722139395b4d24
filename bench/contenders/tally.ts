/** Counts up, and tells those who wait for a number. */
export interface Tally {
  readonly count: number;
  add(count: number): void;
  reached(count: number): Promise<void>;
}

export function createTally(): Tally {
  let count = 0;
  let waiting: { readonly count: number; readonly resolve: () => void }[] = [];
  return {
    get count() {
      return count;
    },
    add(more) {
      count += more;
      if (waiting.length === 0) return;
      for (const waiter of waiting) if (count >= waiter.count) waiter.resolve();
      waiting = waiting.filter((waiter) => count < waiter.count);
    },
    reached: (wanted) =>
      new Promise((resolve) => {
        if (count >= wanted) resolve();
        else waiting.push({ count: wanted, resolve });
      }),
  };
}
