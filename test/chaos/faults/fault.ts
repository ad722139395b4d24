import type { Chance } from '../chance.ts';
import type { Load } from '../load/load.ts';
import type { LogReader } from '../readers/log-reader.ts';
import type { World } from '../world/world.ts';

/** What a fault has to work with. */
export interface Situation {
  readonly world: World;
  readonly load: Pick<Load, 'submit' | 'submitBatch'>;
  readonly readers: readonly LogReader[];
  /** Its own: what it draws does not hang on what else goes on. */
  readonly chance: Chance;
}

/** One kind of harm. */
export interface Fault {
  readonly name: string;
  /** Why it cannot be inflicted here; null where it can. */
  unavailable?(world: World): string | null;
  /** Does the harm, for as long as it lasts, and undoes what does not end by itself. */
  inflict(situation: Situation): Promise<Inflicted>;
}

export interface Inflicted {
  /** What exactly was done, and to whom. */
  readonly what: string;
  /** What is only known later, such as when it was noticed. */
  readonly later?: Promise<string>;
}
