import { defineStatement } from '../../statement.ts';

/**
 * Keeps the present transaction to the order of indexes, whatever statistics say of tables: without,
 * a planner that believes a table small sorts all of it for a page. Compiling costs more than a page.
 */
export const planByIndex = defineStatement<Record<string, never>, never>({
  name: 'plan-by-index',
  sql: () => `
    select set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true),
      set_config('enable_sort', 'off', true), set_config('jit', 'off', true)`,
  values: () => [],
});
