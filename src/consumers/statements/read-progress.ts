import { defineStatement } from '../../store/statement.ts';

export interface ProgressRow {
  readonly position: bigint;
  readonly role: 'live' | 'building';
  readonly halted: 'paused' | 'failed' | null;
  /** Where the log ends. */
  readonly head: bigint;
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
      coalesce((select h.position from ${schema}.log_head h), 0) as head,
      coalesce((select l.position from ${schema}.consumer_checkpoints l
                where l.name = $1 and l.role = 'live'), 0) as live_position
    from ${schema}.consumer_checkpoints c
    where c.name = $1 and c.build = $2`,
  values: ({ name, build }) => [name, build],
});
