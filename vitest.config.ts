import { defineConfig } from 'vitest/config';

/** Brings up the Postgres that integration and e2e tests share. */
const globalSetup = 'test/support/global-setup.ts';

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
          include: [
            'test/unit/**/*.test.ts',
            'test/simulation/**/*.test.ts',
            'test/formal/**/*.test.ts',
            'test/architecture.test.ts',
          ],
          testTimeout: 30_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          globalSetup,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          exclude: alone,
          globalSetup,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          name: 'e2e-alone',
          include: alone,
          globalSetup,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
