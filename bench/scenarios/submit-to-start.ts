import { contenders } from '../contenders/registry.ts';
import { delays, medianGoal, runNotes } from '../report/figures.ts';
import { interleaved, oneEach } from '../runs/interleaved.ts';
import type { Goal, Scenario, Series } from '../scenario.ts';

/** How soon a job runs where nothing else is to be done. */
export const submitToStart: Scenario = {
  name: 'start',
  title: 'Submit to first line of the handler, idle system',
  async measure(bench) {
    const seconds = bench.quick ? 1 : 6;
    const series: Series[] = [];
    const goals: Goal[] = [];
    const notes: string[] = [];
    for (const perSecond of bench.quick ? [200] : [200, 1_000]) {
      const load = { kind: 'start', queues: ['bench'], warmUp: 200, perSecond, seconds } as const;
      const turns = await interleaved(bench, oneEach(bench.contenders, load));
      notes.push(...runNotes(turns));
      const told = turns.map((turn) => ({ ...turn, name: `${turn.name}, ${perSecond}/s` }));
      series.push(
        ...told.map((turn) => delays(turn, 0.5)),
        ...told.map((turn) => delays(turn, 0.99)),
      );
      const name = `${contenders.daybook.title}, ${perSecond}/s`;
      goals.push(
        ...medianGoal(series, { name, unit: 'p50 ms' }, { below: 3 }),
        ...medianGoal(series, { name, unit: 'p99 ms' }, { below: 15 }),
      );
    }
    return { series, goals, notes };
  },
};
