import { expect, it } from 'vitest';
import { crashPostgres } from '../chaos/faults/crash-postgres.ts';
import { delayConnections } from '../chaos/faults/delay-connections.ts';
import { heldSnapshot } from '../chaos/faults/held-snapshot.ts';
import { holdConnections } from '../chaos/faults/hold-connections.ts';
import { killApi } from '../chaos/faults/kill-api.ts';
import { killSequencer } from '../chaos/faults/kill-sequencer.ts';
import { killWorker } from '../chaos/faults/kill-worker.ts';
import { lockedJobs } from '../chaos/faults/locked-jobs.ts';
import { pauseWorker } from '../chaos/faults/pause-worker.ts';
import { terminateBackends } from '../chaos/faults/terminate-backends.ts';
import { reportText, violationsOf } from '../chaos/report-text.ts';
import { runChaos } from '../chaos/run-chaos.ts';
import { quickTempo } from '../chaos/tempo.ts';

/** A minute of `npm run chaos`, with several faults at a time; docs/guides/chaos.md tells of all. */
it('loses nothing and gets nothing wrong, whatever happens to whom', async () => {
  const report = await runChaos({
    seed: 5,
    tempo: quickTempo,
    crowd: { worker: 2, api: 1, keeper: 2 },
    plan: {
      groups: [
        [killWorker, delayConnections, heldSnapshot],
        [holdConnections, lockedJobs, killSequencer],
        [crashPostgres, killApi],
        [pauseWorker, terminateBackends],
      ],
    },
  });
  console.log(reportText(report));
  expect(violationsOf(report)).toEqual([]);
  expect(report.inflictions).toHaveLength(10);
  expect(report.logged.jobs).toBeGreaterThan(100);
}, 300_000);
