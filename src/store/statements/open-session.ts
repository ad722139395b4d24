import { defineStatement, now } from '../statement.ts';

export interface OpenSessionParams {
  readonly tenantId: number;
  readonly session: string;
  readonly name: string;
  readonly host: string | null;
  readonly pid: number | null;
  readonly version: string | null;
  readonly queues: readonly string[];
  readonly types: readonly string[];
  readonly slots: number;
  readonly leaseMs: number;
}

/** Opens a worker session with its first beat. Locks: the row it inserts. */
export const openSession = defineStatement<OpenSessionParams, { lease_until: number }>({
  name: 'open-session',
  sql: (schema) => `
    insert into ${schema}.worker_sessions (id, started_at, last_beat_at, lease_until, tenant_id,
      lease_ms, slots, pid, name, host, version, queues, types)
    select $2, now, now, now + $3 * interval '1 ms', $1, $3, $4, $5, $6, $7, $8, $9, $10
    from (select ${now} as now) clock
    returning lease_until`,
  values: (p) => [
    p.tenantId,
    p.session,
    p.leaseMs,
    p.slots,
    p.pid,
    p.name,
    p.host,
    p.version,
    p.queues,
    p.types,
  ],
});
