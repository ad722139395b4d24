import { defineConfig } from 'vitest/config';

/** Brings up the Postgres that integration and e2e tests share. */
const globalSetup = 'test/support/global-setup.ts';

// Projects run one after the other (`groupOrder`): the quick ones first, and e2e tests, which start
// whole processes, never beside anything else.
export default defineConfig({
  test: {
    maxWorkers: 2,
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
          globalSetup,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
