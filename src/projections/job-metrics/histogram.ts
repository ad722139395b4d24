/**
 * How often times fell into each of a fixed row of slots: place n holds how many fell into slot n, and
 * what stands beyond the last slot that was met is left out. Histograms of other minutes, queues and
 * types are added place by place, and quantiles of the sum are as good as those of each.
 */
export type Histogram = readonly number[];

/** Times are kept up to 2^31 - 1 ms, as events have them. */
const endMs = 2 ** 31;

/**
 * Where the slots begin, in ms; slot 0, before the first of them, holds what took no whole ms. Four
 * slots double the time: the factor from one to the next is 2^(1/4) = 1.189, so a quantile is at most
 * 19 % off, wherever in its slot the true time lies. Times are whole ms, and slots that would hold
 * none are left out: up to 8 ms each time has its own. That makes 120 slots; with four bytes each, the
 * two histograms of a row stay below 1 KB, and a row below what Postgres would compress.
 * Never changed but with the version of the projection: stored histograms are read by it.
 */
export const slotBeginningsMs: readonly number[] = slotBeginnings();

function slotBeginnings(): number[] {
  const beginnings = new Set<number>();
  for (let quarter = 0; 2 ** (quarter / 4) < endMs; quarter += 1) {
    beginnings.add(Math.ceil(2 ** (quarter / 4)));
  }
  return [...beginnings];
}

/** The slot that a time falls into; like `width_bucket` of Postgres. */
export function slotOf(elapsedMs: number): number {
  let low = 0;
  let high = slotBeginningsMs.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((slotBeginningsMs[middle] ?? endMs) <= elapsedMs) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** How many times a histogram holds. */
export function countOf(histogram: Histogram): number {
  return histogram.reduce((sum, count) => sum + count, 0);
}

/**
 * The time that a share of all times does not exceed, in ms: the one of rank ⌈share × count⌉, taken to
 * lie in its slot as if the slot's times were spread evenly. Null for an empty histogram.
 * @param share in (0, 1]
 */
export function quantileMs(histogram: Histogram, share: number): number | null {
  const total = countOf(histogram);
  if (total === 0) return null;
  let rank = Math.max(1, Math.ceil(share * total));
  for (const [slot, count] of histogram.entries()) {
    if (rank <= count) return withinSlot(slot, (rank - 0.5) / count);
    rank -= count;
  }
  return null;
}

function withinSlot(slot: number, share: number): number {
  const first = slot === 0 ? 0 : (slotBeginningsMs[slot - 1] ?? 0);
  const last = (slotBeginningsMs[slot] ?? endMs) - 1;
  return Math.round(first + (last - first) * share);
}
