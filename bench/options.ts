import { parseArgs } from 'node:util';
import { contenders, type ContenderName } from './contenders/registry.ts';
import { scenarios } from './registry.ts';
import type { Scenario } from './scenario.ts';
import { soak } from './scenarios/soak.ts';

export interface Options {
  readonly quick: boolean;
  readonly runs: number;
  readonly jobs: number;
  readonly minutes: number;
  readonly scenarios: readonly Scenario[];
  readonly contenders: readonly ContenderName[];
}

/**
 * `--only cycle,start` and `--contenders daybook,graphile` choose; `--quick` makes all of it small;
 * `--runs`, `--jobs` (of the full cycle) and `--minutes` (of the soak) set sizes.
 * @throws Error for what there is not
 */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      runs: { type: 'string', default: '3' },
      jobs: { type: 'string', default: '100000' },
      minutes: { type: 'string', default: '30' },
      only: { type: 'string' },
      contenders: { type: 'string' },
    },
  });
  const { quick, only } = values;
  const selectable = [...scenarios, soak];
  const names = only?.split(',') ?? scenarios.map(({ name }) => name);
  return {
    quick,
    runs: quick ? 1 : Number(values.runs),
    jobs: quick ? 2_000 : Number(values.jobs),
    minutes: Number(values.minutes),
    scenarios: names.map((name) => selected(name, selectable, (each) => each.name)),
    contenders: (values.contenders?.split(',') ?? Object.keys(contenders)).map((name) =>
      selected(name, Object.keys(contenders) as ContenderName[], (each) => each),
    ),
  };
}

function selected<T>(wanted: string, all: readonly T[], nameOf: (each: T) => string): T {
  const found = all.find((each) => nameOf(each) === wanted);
  if (found === undefined) {
    throw new Error(`There is no "${wanted}"; there are ${all.map(nameOf).join(', ')}.`);
  }
  return found;
}
