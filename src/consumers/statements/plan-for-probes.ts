import { defineStatement } from '../../store/statement.ts';

/**
 * Makes the plans of the present transaction independent of statistics, for statements that read a
 * range of the log and look up the rest: as plan-for-ranges.ts does, and what is asked for in the order
 * of an index is read in that order. (Believing that few rows would be left, the planner read all
 * waiting jobs of a queue and sorted them, for the first.)
 */
export const planForProbes = defineStatement<Record<string, never>, never>({
  name: 'plan-for-probes',
  prepared: true,
  sql: () => `
    select set_config('enable_nestloop', 'off', true), set_config('enable_seqscan', 'off', true),
      set_config('enable_sort', 'off', true), set_config('enable_incremental_sort', 'off', true),
      set_config('enable_bitmapscan', 'off', true), set_config('jit', 'off', true),
      set_config('work_mem', '64MB', true)`,
  values: () => [],
});
