import { contenders, type Entry } from '../contenders/registry.ts';
import { bestPeerGoal, costsOf, rateOf, rates, runNotes } from '../report/figures.ts';
import { interleaved, oneEach, type Turns } from '../runs/interleaved.ts';
import type { Scenario, Series } from '../scenario.ts';

const all = 'all read models';
const light = 'job status and queue counters';

/** Work from end to end, as fast as it goes. */
export const fullCycle: Scenario = {
  name: 'cycle',
  title: 'Full cycle: submitted in batches of 1,000 while workers run a handler that does nothing',
  async measure(bench) {
    const { jobs } = bench;
    const load = {
      kind: 'cycle',
      ...cycleDefaults,
      jobs,
      warmUp: bench.quick ? 200 : 2_000,
    } as const;
    const turns = await interleaved(bench, oneEach(bench.contenders, load));
    const series = turns.flatMap(cycleRates);
    const peers = peerTitles();
    return {
      series,
      costs: turns.map((turn) => costsOf(turn, jobs + load.warmUp)),
      notes: runNotes(turns),
      goals: [
        ...bestPeerGoal(series, { ours: ourRate(all), peers, bound: { atLeast: 1.25 } }),
        ...bestPeerGoal(series, {
          ours: ourRate(all),
          peers,
          floor: true,
          bound: { atLeast: 0.8 },
        }),
        ...bestPeerGoal(series, {
          ours: ourRate(light),
          peers,
          floor: true,
          bound: { atLeast: 1 },
        }),
      ],
    };
  },
};

/** What cycles have in common. */
export const cycleDefaults = {
  queues: ['bench'],
  payloadBytes: 0,
  workers: 1,
  limitMs: 300_000,
} as const;

export function peerTitles(entries: readonly Entry[] = Object.values(contenders)): string[] {
  return entries.map(({ title }) => title).filter((title) => title !== contenders.daybook.title);
}

export function ourRate(readers: string): string {
  return `${contenders.daybook.title}, ${readers} caught up`;
}

/** Until the last completion; and where readers catch up, until each kind of them has instead. */
export function cycleRates(turn: Turns): Series[] {
  const kinds = turn.runs[0]?.caughtUp.map(({ readers }) => readers) ?? [];
  if (kinds.length === 0) return [rates(turn)];
  return kinds.map((kind) => ({
    name: `${turn.name}, ${kind} caught up`,
    unit: 'jobs/s',
    values: turn.runs.map((run) =>
      rateOf(run, run.caughtUp.find(({ readers }) => readers === kind)?.atMs),
    ),
  }));
}

/** Until everything is done: the last completion recorded, and all read models caught up. */
export function wholeRates({ name, runs }: Turns): Series {
  const values = runs.map((run) => rateOf(run, run.caughtUp[0]?.atMs));
  return { name, unit: 'jobs/s', values };
}

/** Those turns that were Daybook's. */
export function ours(turns: readonly Turns[]): Turns[] {
  return turns.filter(({ contender }) => contender === 'daybook');
}
