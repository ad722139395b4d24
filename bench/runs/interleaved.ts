import { contenders, type ContenderName } from '../contenders/registry.ts';
import type { LoadSpec } from '../loads/load.ts';
import type { Run } from './run-once.ts';
import type { Bench, RunStaging } from '../scenario.ts';

/** One of those that take turns. */
export interface Turn extends RunStaging {
  readonly contender: ContenderName;
  readonly load: LoadSpec;
  /** Told apart by it where one contender runs in several ways. */
  readonly name: string;
}

/** All runs of one turn, in order. */
export interface Turns extends Turn {
  readonly runs: readonly Run[];
}

/** Runs A, B, C, A, B, C, ...: what else the machine does meets all of them. */
export async function interleaved(
  bench: Bench,
  turns: readonly Turn[],
  rounds = bench.runs,
): Promise<Turns[]> {
  const runs = turns.map((): Run[] => []);
  for (let round = 1; round <= rounds; round += 1) {
    for (const [index, { contender, load, name, ...staging }] of turns.entries()) {
      const run = await bench.run(contender, load, staging);
      runs[index]?.push(run);
      const rate = Math.round((run.jobs / run.ms) * 1_000).toLocaleString('en');
      const verified = run.verified === null ? '' : `, verify: ${run.verified.outcome}`;
      bench.tell(`${name}, run ${round} of ${rounds}: ${rate} jobs/s${verified}`);
    }
  }
  return turns.map((turn, index) => ({ ...turn, runs: runs[index] ?? [] }));
}

/** A turn for each contender. */
export function oneEach(names: readonly ContenderName[], load: LoadSpec): Turn[] {
  return names.map((contender) => ({ contender, load, name: contenders[contender].title }));
}

/** Two of them where it is only to be seen that everything works, so that this stays quick. */
export function fewer({ quick, contenders: all }: Bench): readonly ContenderName[] {
  return quick ? all.slice(0, 2) : all;
}
