import type { LoadResult, LoadSpec } from '../loads/load.ts';
import type { Place, Verified } from './contender.ts';
import type { ContenderName } from './registry.ts';

/** What a contender's process is told to do, one after the other. */
export type Order =
  | {
      readonly step: 'prepare';
      readonly contender: ContenderName;
      readonly place: Place;
      readonly load: LoadSpec;
    }
  | { readonly step: 'run' }
  | { readonly step: 'verify' }
  | { readonly step: 'close' };

/** What each order is answered with. */
export interface Answers {
  readonly prepare: null;
  readonly run: MeasuredLoad;
  /** Null where there is nothing to verify by. */
  readonly verify: Verified | null;
  readonly close: null;
}

export interface MeasuredLoad extends LoadResult {
  /** Processor time of the contender's process while the clock ran, in ms. */
  readonly nodeCpuMs: number;
}

export type Answer = { readonly result: unknown } | { readonly error: string };
