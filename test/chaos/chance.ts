/** Numbers that look like chance and come from a seed: the same seed, the same numbers. */
export interface Chance {
  /** In [0, 1). */
  next(): number;
  /** A whole number from `min` to `max`, both included. */
  between(min: number, max: number): number;
  /** @throws RangeError for nothing to choose from */
  pick<Thing>(things: readonly Thing[]): Thing;
  /** The same things in another order. */
  shuffle<Thing>(things: readonly Thing[]): Thing[];
  /** True once in so many times. */
  oneIn(times: number): boolean;
}

/** Mulberry32 (T. Ettinger): one 32-bit number of state, good enough to draw faults with. */
export function createChance(seed: number): Chance {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d_2b_79_f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const between = (min: number, max: number) => min + Math.floor(next() * (max - min + 1));
  const pick = <Thing>(things: readonly Thing[]): Thing => {
    if (things.length === 0) throw new RangeError('There is nothing to choose from.');
    return things[between(0, things.length - 1)] as Thing;
  };
  return {
    next,
    between,
    pick,
    shuffle(things) {
      const left = [...things];
      return things.map(() => left.splice(between(0, left.length - 1), 1)[0] as (typeof left)[0]);
    },
    oneIn: (times) => between(1, times) === 1,
  };
}
