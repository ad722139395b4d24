import { defineConfig } from 'vitest/config';

/**
 * What mutants have to get past: tests without a database. The random walks over whole histories are
 * left out: they take most of the time, and what only chance kills is not killed for certain.
 */
export default defineConfig({
  test: {
    include: ['test/unit/domain/**/*.test.ts', 'test/unit/store/**/*.test.ts'],
    exclude: ['**/job-properties.test.ts', '**/job-folding.test.ts'],
    reporters: ['default'],
  },
});
