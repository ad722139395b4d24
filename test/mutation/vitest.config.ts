import { defineConfig } from 'vitest/config';

/** What mutants of the domain and the sequencer have to get past: tests that need no database. */
export default defineConfig({
  test: {
    include: ['test/unit/domain/**/*.test.ts', 'test/unit/store/**/*.test.ts'],
  },
});
