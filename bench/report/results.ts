import type { Findings } from '../scenario.ts';

/** All that one run of the benchmark found, as it is written to a file. */
export interface Results {
  readonly startedAt: string;
  /** The arguments it was called with. */
  readonly command: string;
  readonly quick: boolean;
  readonly machine: string;
  /** Versions and settings, by what they are of. */
  readonly settings: Readonly<Record<string, string>>;
  readonly scenarios: readonly ScenarioResults[];
}

export interface ScenarioResults extends Findings {
  readonly name: string;
  readonly title: string;
  readonly tookSeconds: number;
}
