import { contenders } from '../contenders/registry.ts';
import { bestPeerGoal, costsOf, runNotes } from '../report/figures.ts';
import { cycleDefaults, peerTitles, wholeRates } from './full-cycle.ts';
import { fewer, interleaved, oneEach } from '../runs/interleaved.ts';
import type { Scenario } from '../scenario.ts';

const PAYLOAD_BYTES = 10_000;

/** The full cycle with much to carry. */
export const bigPayloads: Scenario = {
  name: 'payloads',
  title: 'Full cycle with payloads of 10 KB',
  async measure(bench) {
    const jobs = bench.quick ? 1_000 : 30_000;
    const load = {
      kind: 'cycle',
      ...cycleDefaults,
      jobs,
      warmUp: 200,
      payloadBytes: PAYLOAD_BYTES,
    } as const;
    const turns = await interleaved(bench, oneEach(fewer(bench), load));
    const series = turns.map(wholeRates);
    const onPostgres = Object.values(contenders).filter(({ server }) => server === 'postgres');
    const peers = peerTitles(onPostgres);
    const ours = contenders.daybook.title;
    return {
      series,
      costs: turns.map((turn) => costsOf(turn, jobs + load.warmUp)),
      notes: runNotes(turns),
      goals: bestPeerGoal(series, { ours, peers, bound: { atLeast: 1 } }),
    };
  },
};
