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
  /** Why others of its runs came to nothing, a sentence each. */
  readonly failures: readonly string[];
}

/**
 * Runs A, B, C, A, B, C, ...: what else the machine does meets all of them. A peer that fails, because
 * the load is more than it can take, say, is left behind; a whole run of an hour is not.
 * @throws Error when Daybook fails, or anybody in a quick run
 */
export async function interleaved(
  bench: Bench,
  turns: readonly Turn[],
  rounds = bench.runs,
): Promise<Turns[]> {
  const all = turns.map((turn) => ({ ...turn, runs: [] as Run[], failures: [] as string[] }));
  for (let round = 1; round <= rounds; round += 1) {
    for (const turn of all) {
      const { contender, load, name, runs, failures, ...staging } = turn;
      try {
        const run = await bench.run(contender, load, staging);
        runs.push(run);
        bench.tell(`${name}, run ${round} of ${rounds}: ${described(run)}`);
      } catch (error) {
        if (contender === 'daybook' || bench.quick || !(error instanceof Error)) throw error;
        failures.push(`${name}: run ${round} failed: ${error.message.split('\n')[0]}`);
        bench.tell(failures.at(-1) ?? '');
      }
    }
  }
  return all;
}

function described({ jobs, ms, verified }: Run): string {
  const rate = `${Math.round((jobs / ms) * 1_000).toLocaleString('en')} jobs/s`;
  return verified === null ? rate : `${rate}, verify: ${verified.outcome}`;
}

/** A turn for each contender. */
export function oneEach(names: readonly ContenderName[], load: LoadSpec): Turn[] {
  return names.map((contender) => ({ contender, load, name: contenders[contender].title }));
}

/** Two of them where it is only to be seen that everything works, so that this stays quick. */
export function fewer({ quick, contenders: all }: Bench): readonly ContenderName[] {
  return quick ? all.slice(0, 2) : all;
}
