import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { delayConnections } from '../chaos/faults/delay-connections.ts';
import { holdConnections } from '../chaos/faults/hold-connections.ts';
import { reportText } from '../chaos/report-text.ts';
import { runChaos } from '../chaos/run-chaos.ts';
import { quickTempo } from '../chaos/tempo.ts';

const noFencing = fileURLToPath(new URL('../chaos/broken/no-fencing.mjs', import.meta.url));

/** `npm run chaos -- --broken fencing` and `--broken reader`, in one short run. */
it('finds out workers without a fence, and a reader of `id > cursor`', async () => {
  const report = await runChaos({
    seed: 2,
    tempo: quickTempo,
    crowd: { worker: 2, api: 1, keeper: 1 },
    plan: { groups: [[holdConnections, delayConnections], [holdConnections]] },
    workerPreloads: [noFencing],
    naiveReader: true,
  });
  console.log(reportText(report));
  const { counts } = report.audit;
  expect(counts['result-of-another'] ?? counts['completed-without-run'] ?? 0).toBeGreaterThan(0);
  expect(report.readers[0]?.wrong.length).toBeGreaterThan(0);
}, 120_000);
