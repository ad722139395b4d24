import { bestPeerGoal, costsOf } from '../report/figures.ts';
import { cycleDefaults, cycleRates, ourRate, peerTitles } from './full-cycle.ts';
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
    const series = turns.flatMap(cycleRates);
    const peers = peerTitles.filter((title) => !title.includes('Redis'));
    const ours = ourRate('all read models');
    return {
      series,
      costs: turns.map((turn) => costsOf(turn, jobs + load.warmUp)),
      goals: bestPeerGoal(series, { ours, peers, bound: { atLeast: 1 } }),
    };
  },
};
