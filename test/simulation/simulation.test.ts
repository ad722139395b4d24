import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Mutation, mutations } from './model/mutations.ts';
import { mixedScenarios, type Scenario, scenarios } from './scenario.ts';
import { simulate } from './simulate.ts';

/**
 * The suite plays the same scenarios every time, `npm run simulate` others. With this seed the rarest of
 * the mutations below, which was a defect of Daybook, shows within a few runs: most take hundreds.
 */
const seed = 21;
/** For a machine that does much else: it takes some 3 s. */
const TIMEOUT_MS = 60_000;

it(
  'breaks no rule, whatever goes wrong, and keeps its tables as the log says',
  () => {
    const totals = { completed: 0, cancelled: 0, exhausted: 0, runAgain: 0, rejected: 0 };
    fc.assert(
      fc.property(scenarios, (scenario) => {
        const { report, wrongRows } = simulate(scenario);
        expect(report.violations).toEqual([]);
        expect(wrongRows).toEqual([]);
        const { completed, cancelled, dead, witnessed } = report.facts;
        totals.completed += completed;
        totals.cancelled += cancelled;
        totals.exhausted += dead['attempts-exhausted'];
        totals.runAgain += witnessed?.executionsWithoutOutcome ?? 0;
        totals.rejected += witnessed?.rejectedOutcomes ?? 0;
      }),
      { seed, numRuns: 150, endOnFailure: true },
    );
    // It comes near what it is about.
    expect(totals.completed).toBeGreaterThan(250);
    expect(totals.cancelled).toBeGreaterThan(5);
    expect(totals.exhausted).toBeGreaterThan(10);
    expect(totals.runAgain).toBeGreaterThan(100);
    expect(totals.rejected).toBeGreaterThan(50);
  },
  TIMEOUT_MS,
);

it('is the same run for the same scenario', () => {
  const [scenario] = fc.sample(scenarios, { seed, numRuns: 1 });
  const events = () => simulate(scenario as Scenario).log;
  expect(events().length).toBeGreaterThan(5);
  expect(events()).toEqual(events());
});

describe('without one of its guards', () => {
  const isSafe = (mutation: Mutation) => (scenario: Scenario) =>
    simulate(scenario, mutation).report.safe;

  it.each(Object.keys(mutations) as Mutation[])(
    'a rule is broken that names it: %s',
    (mutation) => {
      const { failed, counterexample } = fc.check(fc.property(scenarios, isSafe(mutation)), {
        seed,
        numRuns: 200,
        endOnFailure: true,
      });
      expect(failed).toBe(true);
      const { report } = simulate(counterexample?.[0] as Scenario, mutation);
      const named = mutations[mutation].filter((rule) => report.counts[rule] !== undefined);
      expect(named).not.toEqual([]);
    },
    TIMEOUT_MS,
  );

  it(
    'the scenario shrinks to what it takes',
    () => {
      const property = fc.property(mixedScenarios, isSafe('lease-check-off'));
      const [scenario] = fc.check(property, { seed }).counterexample ?? [];
      expect(scenario?.jobs.length).toBeLessThanOrEqual(2);
      expect([scenario?.faults, scenario?.operator]).toEqual([[], []]);
    },
    TIMEOUT_MS,
  );
});
