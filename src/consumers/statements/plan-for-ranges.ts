import { defineStatement } from '../../store/statement.ts';

/**
 * Makes the plans of the present transaction independent of statistics, which are always too old at
 * the head of the log. Without nested loops two lists of 20,000 are hashed, whatever the planner
 * believes their size to be (without statistics it looped over both: more than a minute for what
 * takes 0.1 s); what is written as a LATERAL probe uses its index all the same. Compiling (jit) would
 * cost more than any batch, and the memory keeps the hashes and sorts of a batch off the disk.
 */
export const planForRanges = defineStatement<Record<string, never>, never>({
  name: 'plan-for-ranges',
  prepared: true,
  sql: () => `
    select set_config('enable_nestloop', 'off', true), set_config('enable_seqscan', 'off', true),
      set_config('jit', 'off', true), set_config('work_mem', '64MB', true)`,
  values: () => [],
});
