import { median, quantile } from '../measure/quantile.ts';
import type { Run } from '../runs/run-once.ts';
import type { Turns } from '../runs/interleaved.ts';
import type { Costs, Goal, Series } from '../scenario.ts';
import { verifyLimitMs } from '../verify.ts';

/** Jobs per second until `ms`: when the last job was completed, unless something else is meant. */
export function rateOf(run: Run, ms = run.ms): number {
  return (run.jobs / ms) * 1_000;
}

export function rates({ name, runs }: Turns): Series {
  return { name, unit: 'jobs/s', values: runs.map((run) => rateOf(run)) };
}

/** What is to be said of runs: which failed, and which could not be verified. */
export function runNotes(turns: readonly Turns[]): string[] {
  const unverified = turns
    .filter(({ runs }) => runs.some(({ verified }) => verified?.outcome === 'takes too long'))
    .map(
      ({ name }) =>
        `${name}: not verified, which would take more than ${verifyLimitMs / 60_000} minutes.`,
    );
  return [...unverified, ...turns.flatMap(({ failures }) => failures)];
}

/** The value below which the share `q` of the samples of each run lies. */
export function delays({ name, runs }: Turns, q: number): Series {
  const values = runs.map(({ samples }) => quantile(samples, q));
  return { name, unit: `p${q * 100} ms`, values };
}

/** Goals only for what was measured: a median of the series of that name, if there is one. */
export function medianGoal(
  series: readonly Series[],
  { name, unit }: Pick<Series, 'name' | 'unit'>,
  bound: Goal['bound'],
): Goal[] {
  const found = series.find((each) => each.name === name && each.unit === unit);
  if (found === undefined) return [];
  return [{ what: `${name}: ${unit}`, value: median(found.values), bound, unit: '' }];
}

/** Ours against the fastest of the others, by medians; nothing where one of them is missing. */
export function bestPeerGoal(
  series: readonly Series[],
  { ours, peers, ...wanted }: BestPeer,
): Goal[] {
  const own = series.find(({ name }) => name === ours);
  const [best] = series
    .filter(
      ({ name, unit, values }) => peers.includes(name) && unit === own?.unit && values.length > 0,
    )
    .toSorted((a, b) => median(b.values) - median(a.values));
  if (own === undefined || best === undefined) return [];
  return [{ ...ratioGoal(own, best, wanted.bound), ...wanted }];
}

interface BestPeer extends Pick<Goal, 'bound' | 'floor'> {
  /** Names of series. */
  readonly ours: string;
  readonly peers: readonly string[];
}

export function ratioGoal(above: Series, below: Series, bound: Goal['bound']): Goal {
  const value = median(above.values) / median(below.values);
  return { what: `${above.name} / ${below.name}`, value, bound, unit: 'x' };
}

/** @param allJobs of one run, those of the warm-up too */
export function costsOf({ name, runs }: Turns, allJobs: number): Costs {
  const each = (value: (run: Run) => number | undefined) =>
    median(runs.map((run) => value(run) ?? Number.NaN));
  return {
    name,
    nodeSeconds: each(({ nodeCpuMs, jobs }) => (nodeCpuMs / jobs) * 100),
    serverSeconds: each(({ serverCpuMs, jobs }) => (serverCpuMs / jobs) * 100),
    walBytes: each(({ walBytes, jobs }) => (walBytes ?? Number.NaN) / jobs),
    rowsWritten: each(({ counts }) => (counts?.rowsWritten ?? Number.NaN) / allJobs),
    transactions: each(({ counts }) => (counts?.transactions ?? Number.NaN) / allJobs),
    deadTuples: each(({ counts }) => counts?.deadTuples),
  };
}
