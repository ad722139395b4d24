import { ratioGoal, runNotes } from '../report/figures.ts';
import { cycleDefaults, ours, wholeRates } from './full-cycle.ts';
import { fewer, interleaved, oneEach } from '../runs/interleaved.ts';
import type { Scenario } from '../scenario.ts';

const QUEUES = 200;
const WORKERS = 50;

/** The full cycle over many queues, against the same over one. */
export const manyQueues: Scenario = {
  name: 'queues',
  title: `Full cycle over ${QUEUES} queues with ${WORKERS} workers, and over one queue`,
  async measure(bench) {
    const jobs = bench.quick ? 2_000 : 30_000;
    const one = {
      kind: 'cycle',
      ...cycleDefaults,
      jobs,
      warmUp: bench.quick ? 200 : 2_000,
    } as const;
    const queues = Array.from({ length: bench.quick ? 20 : QUEUES }, (_, n) => `bench-${n}`);
    const many = { ...one, queues, workers: bench.quick ? 5 : WORKERS };
    const turns = await interleaved(bench, [
      ...oneEach(fewer(bench), one).map((turn) => ({ ...turn, name: `${turn.name}, one queue` })),
      ...oneEach(bench.contenders, many).map((turn) => ({
        ...turn,
        name: `${turn.name}, ${queues.length} queues`,
      })),
    ]);
    const series = turns.map(wholeRates);
    const [single, spread] = ours(turns).map(wholeRates);
    const goals =
      single === undefined || spread === undefined
        ? []
        : [ratioGoal(spread, single, { atLeast: 0.8 })];
    return { series, goals, notes: runNotes(turns) };
  },
};
