import { defineStatement } from '../../store/statement.ts';

export interface ProgressRow {
  readonly position: bigint;
  readonly role: 'live' | 'building';
  readonly halted: 'paused' | 'failed' | null;
  /** Where the log ends. */
  readonly head: bigint;
  /** The epoch of the log. */
  readonly epoch: number;
  /** Where the live build stands. */
  readonly live_position: bigint;
}

/** How far a build has read, and how far it could. No row: it is gone. Locks: none. */
export const readProgress = defineStatement<
  { readonly name: string; readonly build: number },
  ProgressRow
>({
  name: 'read-progress',
  prepared: true,
  sql: (schema) => `
    select c.position, c.role, c.halted,
      coalesce(h.position, 0) as head, coalesce(h.epoch, 0) as epoch,
      coalesce((select l.position from ${schema}.consumer_checkpoints l
                where l.name = $1 and l.role = 'live'), 0) as live_position
    from ${schema}.consumer_checkpoints c left join ${schema}.log_head h on true
    where c.name = $1 and c.build = $2`,
  values: ({ name, build }) => [name, build],
});
