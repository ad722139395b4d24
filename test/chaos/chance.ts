import { type Chance as Numbers, createChance as createNumbers } from '../simulation/chance.ts';

/** Everything that is drawn from one seed: the same seed, the same faults. */
export interface Chance extends Numbers {
  /** @throws RangeError for nothing to choose from */
  pick<Thing>(things: readonly Thing[]): Thing;
  /** The same things in another order. */
  shuffle<Thing>(things: readonly Thing[]): Thing[];
  /** True once in so many times. */
  oneIn(times: number): boolean;
}

export function createChance(seed: number): Chance {
  const numbers = createNumbers(seed);
  const { between } = numbers;
  return {
    ...numbers,
    pick(things) {
      if (things.length === 0) throw new RangeError('There is nothing to choose from.');
      return things[between(0, things.length - 1)] as (typeof things)[0];
    },
    shuffle(things) {
      const left = [...things];
      return things.map(() => left.splice(between(0, left.length - 1), 1)[0] as (typeof left)[0]);
    },
    oneIn: (times) => between(1, times) === 1,
  };
}
