import { defineStatement } from '../statement.ts';

/**
 * Makes the sequencer begin with a full pass, with nothing missing: transaction ids of another server
 * say nothing here, and numbers that were missing there may never come, or come again. The tick turns
 * away every sequencer that read the head before. Answers the last inbox number that was drawn.
 * Locks: the head row.
 */
export const resetSequencing = defineStatement<Record<string, never>, { last_seq: bigint }>({
  name: 'reset-sequencing',
  sql: (schema) => `
    update ${schema}.log_head h
    set tick = h.tick + 1, highest_seq = 0, missing_ranges = '{}', missing_fences = '{}',
        position = greatest(h.position, (select max(e.position) from ${schema}.events e))
    returning coalesce(pg_sequence_last_value(
      pg_get_serial_sequence('${schema}.event_inbox', 'seq')::regclass), 0) as last_seq`,
  values: () => [],
});
