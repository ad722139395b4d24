import { byFault, byInfliction } from './report-tables.ts';
import type { ChaosReport } from './run-chaos.ts';

const LISTED = 20;

/** Everything that should not have happened; empty for a run in which the product held. */
export function violationsOf(report: ChaosReport): string[] {
  const { verdict, readers, badEnds, audit, inflictions } = report;
  const { lost, wrong, innocents } = verdict;
  return [
    ...lost.map((each) => `lost: ${each}`),
    ...wrong.map((each) => `wrong: ${each}`),
    ...innocents.map((each) => `innocent: ${each}`),
    ...readers.flatMap(({ name, wrong: bad }) => bad.map((each) => `${name}: ${each}`)),
    ...badEnds.map((each) => `ended by itself: ${each}`),
    ...audit.violations.map(({ rule, streamId, detail }) => `${rule}: ${streamId} ${detail}`),
    ...audit.differences.map((each) => `verify: ${JSON.stringify(each)}`),
    ...inflictions.flatMap(({ name, what, recovery }) =>
      Object.entries(recovery)
        .filter(([, after]) => after === null)
        .map(([sign]) => `no ${sign} came back after ${name} (${what})`),
    ),
  ];
}

/** The report as a person reads it. */
export function reportText(report: ChaosReport): string {
  const { seed, inflictions, verdict, logged, acknowledged, readers, leftOut, shed, audit } =
    report;
  const violations = violationsOf(report);
  const { lost, wrong, innocents, duplicates, executions, rejected } = verdict;
  const missed = readers.reduce((sum, reader) => sum + reader.wrong.length, 0);
  return [
    'Seconds: how long each fault lasted, the longest time without a completion from its beginning on,',
    'and from its end until a job was completed, by every worker, every API answered, the log moved, and',
    'no more was due or running than before.',
    byInfliction(inflictions),
    '',
    'The same by fault: how often, and the worst of each.',
    byFault(inflictions),
    ...leftOut.map((each) => `LEFT OUT ${each}`),
    '',
    `seed ${seed}: ${inflictions.length} faults`,
    `jobs ${logged.jobs}, acknowledged ${acknowledged}, ended ${logged.ended}, events ${logged.events}, not sent for lack of answers ${shed}`,
    `executions ${executions}, of which duplicates ${duplicates} (allowed), outcomes rejected ${rejected}`,
    `lost ${lost.length}, wrong ${wrong.length}, innocents dead ${innocents.length}, missed by readers ${missed}`,
    `auditor: ${audit.safe ? 'safe' : JSON.stringify(audit.counts)}, verify: ${audit.differences.length === 0 ? 'equal' : `${audit.differences.length} differences`}`,
    ...violations.slice(0, LISTED).map((each) => `VIOLATION ${each}`),
    ...(violations.length > LISTED ? [`… and ${violations.length - LISTED} more`] : []),
    violations.length === 0 ? 'PASSED' : `FAILED with ${violations.length} violations`,
  ].join('\n');
}
