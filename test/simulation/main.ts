import { parseArgs } from 'node:util';
import fc from 'fast-check';
import type { SafetyFacts } from '../../src/verify/safety/safety-facts.ts';
import { type Mutation, mutations } from './model/mutations.ts';
import { type Scenario, scenarios } from './scenario.ts';
import { type Simulated, simulate } from './simulate.ts';
import { BEGINNING } from './world.ts';

const usage = `Plays seeded scenarios on a model of Daybook, and lets the auditor judge each.

  npm run simulate -- [--runs <n>] [--seed <n>] [--path <p>] [--mutation <name>] [--log]

  --runs      scenarios to play (default 2000)
  --seed      of the first one (default: by the clock)
  --path      with --seed: the one scenario that a failed run has named
  --mutation  take a guard out of the model: ${Object.keys(mutations).join(', ')}
  --log       print the whole log of a scenario that failed`;

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '2000' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    path: { type: 'string' },
    mutation: { type: 'string' },
    log: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const mutation = (values.mutation ?? null) as Mutation | null;
const runs = Number(values.runs);
const seed = Number(values.seed);
if (values.help || (mutation !== null && !Object.hasOwn(mutations, mutation))) {
  console.log(usage);
  process.exit(values.help ? 0 : 2);
}
process.exit(play() ? 0 : 1);

/** Plays all scenarios; true if none has failed. */
function play(): boolean {
  const totals = new Map<string, number>();
  const began = performance.now();
  const isSound = (scenario: Scenario) => {
    const simulated = simulate(scenario, mutation);
    for (const [name, count] of Object.entries(countsOf(simulated.report.facts))) {
      totals.set(name, (totals.get(name) ?? 0) + count);
    }
    return simulated.report.safe && simulated.wrongRows.length === 0;
  };
  const path = values.path === undefined ? {} : { path: values.path };
  const result = fc.check(fc.property(scenarios, isSound), { numRuns: runs, seed, ...path });
  const minutes = (performance.now() - began) / 60_000;
  const played = result.numRuns + result.numShrinks;
  console.log(`Seed ${seed}: ${played} scenarios, ${Math.round(played / minutes)} a minute.`);
  for (const [name, count] of totals) console.log(`  ${name.padEnd(26)}${count}`);
  if (!result.failed) {
    console.log('No rule was broken.');
    return true;
  }
  const [scenario] = result.counterexample ?? [];
  if (scenario === undefined) throw result.errorInstance;
  tellFailure(scenario, result.counterexamplePath ?? '');
  return false;
}

function countsOf({ dead, witnessed, ...counts }: SafetyFacts): Record<string, number> {
  return { ...counts, dead: Object.values(dead).reduce((a, b) => a + b), ...witnessed };
}

function tellFailure(scenario: Scenario, path: string): void {
  console.log('A rule was broken. The smallest scenario found that does so:');
  console.log(JSON.stringify(scenario, null, 2));
  const simulated = simulate(scenario, mutation);
  for (const { rule, streamId, version, position, detail } of simulated.report.violations) {
    console.log(`${rule}: ${streamId} version ${version} position ${position}: ${detail}`);
  }
  for (const id of simulated.wrongRows) console.log(`A row is not what its stream says: ${id}`);
  if (values.log) tellLog(simulated);
  const more = mutation === null ? '' : ` --mutation ${mutation}`;
  console.log(`Again: npm run simulate -- --seed ${seed} --path ${path}${more} --log`);
}

function tellLog({ log }: Simulated): void {
  for (const { event, recordedAtMs } of log) {
    const { position, streamId, version, type, occurredAtMs, data } = event;
    const times = [occurredAtMs, recordedAtMs].map((ms) => String(ms - BEGINNING).padStart(6));
    const where = `${position} ${streamId.slice(-4)}/${version}`;
    console.log(`${times.join(' ')}  ${where.padEnd(14)} ${type} ${JSON.stringify(data)}`);
  }
}
