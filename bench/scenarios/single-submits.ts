import { contenders } from '../contenders/registry.ts';
import { delays, medianGoal, rates, runNotes } from '../report/figures.ts';
import { interleaved, oneEach } from '../runs/interleaved.ts';
import type { Scenario } from '../scenario.ts';

/** One submission after the other, by many callers. */
export const singleSubmits: Scenario = {
  name: 'singles',
  title: 'Single submits through the library, 32 concurrent callers',
  async measure(bench) {
    const seconds = bench.quick ? 1 : 5;
    const load = {
      kind: 'submits',
      queues: ['bench'],
      warmUpSeconds: seconds / 5,
      callers: 32,
      seconds,
    } as const;
    const names = bench.contenders.filter((name) => name !== 'pg-boss-fetch');
    const turns = await interleaved(bench, oneEach(names, load));
    const series = [
      ...turns.map(rates),
      ...turns.map((turn) => delays(turn, 0.5)),
      ...turns.map((turn) => delays(turn, 0.99)),
    ];
    const name = contenders.daybook.title;
    return {
      series,
      goals: [
        ...medianGoal(series, { name, unit: 'jobs/s' }, { atLeast: 15_000 }),
        ...medianGoal(series, { name, unit: 'p99 ms' }, { below: 5 }),
      ],
      notes: runNotes(turns),
    };
  },
};
