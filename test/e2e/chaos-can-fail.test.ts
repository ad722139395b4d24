import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { delayConnections } from '../chaos/faults/delay-connections.ts';
import { holdConnections } from '../chaos/faults/hold-connections.ts';
import { reportText } from '../chaos/report-text.ts';
import { runChaos } from '../chaos/run-chaos.ts';
import { quickTempo } from '../chaos/tempo.ts';

const noFencing = fileURLToPath(new URL('../chaos/broken/no-fencing.mjs', import.meta.url));

/** What the auditor says of a job that somebody completed who did not hold it. */
const unfenced =
  /^(outcome-without-claim|outcome-twice|completed-without-run|result-of-another|rejected-outcome-recorded)$/;

/** `npm run chaos -- --broken fencing` and `--broken reader`, in one short run. */
it('finds out workers without a fence, and a reader of `id > cursor`', async () => {
  const report = await runChaos({
    seed: 2,
    // What is broken may never be well again.
    tempo: { ...quickTempo, patienceMs: 10_000 },
    drainMs: 15_000,
    crowd: { worker: 2, api: 1, keeper: 1 },
    plan: { groups: [[holdConnections, delayConnections], [holdConnections]] },
    workerPreloads: [noFencing],
    naiveReader: true,
  });
  console.log(reportText(report));
  expect(Object.keys(report.audit.counts)).toEqual(
    expect.arrayContaining([expect.stringMatching(unfenced)]),
  );
  expect(report.readers[0]?.wrong.length).toBeGreaterThan(0);
});
