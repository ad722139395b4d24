import { parseArgs } from 'node:util';
import { fileURLToPath } from 'node:url';
import { allFaults } from './faults/all.ts';
import type { Fault } from './faults/fault.ts';
import { reportText, violationsOf } from './report-text.ts';
import { type ChaosOptions, runChaos } from './run-chaos.ts';
import { quickTempo, usualTempo } from './tempo.ts';

const usage = `npm run chaos -- [--minutes 10] [--seed N] [--faults a,b] [--together 2] [--quick]
                 [--broken fencing|reader] [--verbose]
Inflicts faults on real processes under load, and judges what they made of it. Exits with 0 if the
product held, or if a broken one was found out; with 1 otherwise.
Faults: ${allFaults.map(({ name }) => name).join(', ')}`;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    faults: { type: 'string' },
    together: { type: 'string', default: '2' },
    quick: { type: 'boolean', default: false },
    broken: { type: 'string' },
    verbose: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

/** The faults that find out each way to be broken. */
const telling: Readonly<Record<string, readonly string[]>> = {
  fencing: ['hold-connections', 'pause-worker', 'delay-connections'],
  reader: ['delay-connections', 'hold-connections', 'pause-api', 'terminate-backends'],
};

function chosenFaults(): readonly Fault[] {
  const names = values.faults?.split(',') ?? telling[values.broken ?? ''];
  if (names === undefined) return allFaults;
  return names.map((name) => {
    const fault = allFaults.find((each) => each.name === name);
    if (fault === undefined) throw new Error(`There is no fault "${name}".\n${usage}`);
    return fault;
  });
}

function brokenBy(kind: string | undefined): Partial<ChaosOptions> {
  if (kind === undefined) return {};
  if (kind === 'reader') return { naiveReader: true };
  if (kind !== 'fencing') throw new Error(`Nothing is known of --broken ${kind}.\n${usage}`);
  return { workerPreloads: [fileURLToPath(new URL('broken/no-fencing.mjs', import.meta.url))] };
}

if (values.help) {
  console.log(usage);
  process.exit(0);
}
const report = await runChaos({
  seed: Number(values.seed),
  tempo: values.quick ? quickTempo : usualTempo,
  crowd: { worker: 3, api: 2, keeper: 2 },
  plan: {
    faults: chosenFaults(),
    together: Number(values.together),
    durationMs: Number(values.minutes) * 60_000,
  },
  ...brokenBy(values.broken),
  onLine: (line) => {
    if (values.verbose || / (inflicted|no more|\d+ jobs or)/.test(line)) console.error(line);
  },
});
console.log(reportText(report));
const held = violationsOf(report).length === 0;
if (values.broken !== undefined) {
  console.log(held ? 'NOT FOUND OUT: the harness is blind.' : 'Found out, as it should be.');
}
process.exit(held === (values.broken === undefined) ? 0 : 1);
