import { defineConfig } from 'vitest/config';
import { PATIENCE_MS } from './test/support/patience.ts';

/** Brings up the Postgres that integration and e2e tests share. */
const globalSetup = 'test/support/global-setup.ts';

/** What waits for others waits long enough for a busy machine: both ways of waiting that there are. */
const patient = {
  expect: { poll: { timeout: PATIENCE_MS } },
  setupFiles: 'test/support/patient-waits.ts',
};

/** Tests that load the machine, or inflict faults by the clock. */
const alone = ['stress', 'order-torture', 'chaos', 'chaos-can-fail', 'failover'].map(
  (name) => `test/e2e/${name}.test.ts`,
);

// Projects run one after the other (`groupOrder`): the quick ones first. Most e2e tests wait for
// processes, and so two of them share the machine well.
export default defineConfig({
  test: {
    maxWorkers: 3,
    reporters: ['default', ['json', { outputFile: 'test-results/vitest.json' }]],
    projects: [
      {
        test: {
          name: 'unit',
          ...patient,
          include: [
            'test/unit/**/*.test.ts',
            'test/simulation/**/*.test.ts',
            'test/formal/**/*.test.ts',
            'test/architecture.test.ts',
          ],
          testTimeout: 240_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'integration',
          ...patient,
          include: ['test/integration/**/*.test.ts'],
          globalSetup,
          testTimeout: 240_000,
          hookTimeout: 240_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'e2e',
          ...patient,
          include: ['test/e2e/**/*.test.ts'],
          exclude: alone,
          globalSetup,
          testTimeout: 240_000,
          hookTimeout: 240_000,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          name: 'e2e-alone',
          ...patient,
          include: alone,
          globalSetup,
          testTimeout: 240_000,
          hookTimeout: 240_000,
          fileParallelism: false,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
