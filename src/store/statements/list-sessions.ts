import { defineStatement } from '../statement.ts';

export interface SessionRow {
  readonly id: string;
  readonly name: string;
  readonly host: string | null;
  readonly pid: number | null;
  readonly version: string | null;
  readonly queues: string[];
  readonly types: string[];
  readonly slots: number;
  readonly lease_ms: number;
  readonly started_at: number;
  readonly last_beat_at: number;
  readonly lease_until: number;
}

/** Sessions that live, newest first, 1,000 at most. Locks: none. */
export const listSessions = defineStatement<{ readonly tenantId: number }, SessionRow>({
  name: 'list-sessions',
  sql: (schema) => `
    select id, name, host, pid, version, queues, types, slots, lease_ms, started_at, last_beat_at,
      lease_until
    from ${schema}.worker_sessions
    where tenant_id = $1 and ended_at is null and not settled
    order by id desc limit 1000`,
  values: ({ tenantId }) => [tenantId],
});
