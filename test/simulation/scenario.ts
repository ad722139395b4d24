import fc from 'fast-check';
import type { Weather } from './server.ts';

/** What a job does each time it runs; after the last of these it succeeds. */
export interface RunPlan {
  readonly does: 'return' | 'throw' | 'throw for good' | 'snooze' | 'crash';
  readonly takesMs: number;
  /** Its process stands still for so long when the handler has ended, and then writes the outcome. */
  readonly frozenMs: number;
}

export interface JobPlan {
  readonly atMs: number;
  readonly queue: 'a' | 'b';
  readonly delayMs: number;
  readonly uniqueKey: 'k' | 'l' | null;
  readonly maxAttempts: number;
  readonly priority: number;
  readonly runs: readonly RunPlan[];
}

/** What an operator does. `job` is an index into the jobs, round and round. */
export interface OperatorPlan {
  readonly atMs: number;
  readonly does: 'cancel' | 'retry' | 'reschedule' | 'edit' | 'move' | 'pause' | 'resume';
  readonly job: number;
  readonly queue: 'a' | 'b';
}

/** What goes wrong. `worker` is an index into the workers, round and round. */
export interface FaultPlan {
  readonly atMs: number;
  readonly does:
    | 'crash'
    | 'restart'
    | 'pause'
    | 'cut'
    | 'stop'
    | 'terminate'
    | 'idle in transaction';
  readonly worker: number;
  readonly forMs: number;
}

/** Everything that makes a run: the same scenario is the same run, event for event. */
export interface Scenario {
  readonly seed: number;
  readonly workers: number;
  readonly jobs: readonly JobPlan[];
  readonly operator: readonly OperatorPlan[];
  readonly faults: readonly FaultPlan[];
  readonly weather: Weather;
}

/** How long scenarios go on before faults stop, in ms. */
export const FAULTS_UNTIL_MS = 15_000;

const time = (max: number) => fc.integer({ min: 0, max });
const share = (max: number) => fc.integer({ min: 0, max }).map((percent) => percent / 100);

const run: fc.Arbitrary<RunPlan> = fc.record({
  does: fc.constantFrom('return', 'throw', 'throw for good', 'snooze', 'crash'),
  takesMs: fc.constantFrom(10, 200, 1_500, 4_000),
  frozenMs: fc.constantFrom(0, 0, 0, 4_000, 6_000),
});

const job: fc.Arbitrary<JobPlan> = fc.record({
  atMs: time(8_000),
  queue: fc.constantFrom('a', 'b'),
  delayMs: fc.constantFrom(0, 0, 500, 5_000),
  uniqueKey: fc.constantFrom(null, null, 'k', 'l'),
  maxAttempts: fc.integer({ min: 1, max: 3 }),
  priority: fc.integer({ min: 0, max: 2 }),
  runs: fc.array(run, { maxLength: 4 }),
});

const operator: fc.Arbitrary<OperatorPlan> = fc.record({
  atMs: time(FAULTS_UNTIL_MS),
  does: fc.constantFrom('cancel', 'retry', 'reschedule', 'edit', 'move', 'pause', 'resume'),
  job: fc.nat(9),
  queue: fc.constantFrom('a', 'b'),
});

const fault: fc.Arbitrary<FaultPlan> = fc.record({
  atMs: time(FAULTS_UNTIL_MS),
  does: fc.constantFrom(
    'crash',
    'restart',
    'pause',
    'cut',
    'stop',
    'terminate',
    'idle in transaction',
  ),
  worker: fc.nat(2),
  forMs: time(8_000),
});

const weather: fc.Arbitrary<Weather> = fc.record({
  lostShare: share(15),
  twiceShare: share(15),
  delayMs: fc.constantFrom(2, 20, 300),
  slowShare: share(30),
  slowMs: fc.constantFrom(10, 500, 4_000),
});

/** Scenarios in which anything may go wrong; they shrink to fewer jobs, faults and commands. */
export const mixedScenarios: fc.Arbitrary<Scenario> = fc.record({
  seed: fc.integer(),
  workers: fc.integer({ min: 1, max: 3 }),
  jobs: fc.array(job, { minLength: 1, maxLength: 6 }),
  operator: fc.array(operator, { maxLength: 6 }),
  faults: fc.array(fault, { maxLength: 6 }),
  weather,
});

/** One fault again and again, while statements are slow: what rarely meets elsewhere meets here. */
function beset(does: FaultPlan['does']): fc.Arbitrary<Scenario> {
  return mixedScenarios.map((scenario) => ({
    ...scenario,
    workers: 3,
    jobs: scenario.jobs.map((each) => ({ ...each, runs: [] })),
    operator: [],
    faults: Array.from({ length: 24 }, (_, worker) => {
      return { atMs: 300 + worker * 600, does, worker, forMs: 0 };
    }),
    weather: { lostShare: 0, twiceShare: 0.2, delayMs: 20, slowShare: 0.4, slowMs: 1_500 },
  }));
}

/**
 * Scenarios of every kind: mostly mixed ones; some in which sessions end while claims are being made, or
 * transactions are terminated.
 */
export const scenarios: fc.Arbitrary<Scenario> = fc.oneof(
  { arbitrary: mixedScenarios, weight: 6 },
  { arbitrary: beset('restart'), weight: 2 },
  { arbitrary: beset('terminate'), weight: 1 },
);
