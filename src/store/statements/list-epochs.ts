import { defineStatement } from '../statement.ts';

export interface EpochRow {
  readonly epoch: number;
  readonly opened_at: number;
  readonly system_identifier: string;
  readonly timeline: number;
  readonly after_position: bigint;
  readonly reason: string;
}

/** Every epoch of the log, the first one first. Locks: none. */
export const listEpochs = defineStatement<Record<string, never>, EpochRow>({
  name: 'list-epochs',
  sql: (schema) => `
    select epoch, opened_at, system_identifier, timeline, after_position, reason
    from ${schema}.log_epochs order by epoch`,
  values: () => [],
});
