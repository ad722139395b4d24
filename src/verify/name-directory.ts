import type { RowIds } from '../projections/row-fold.ts';
import { decodeEvent, type RecordedEvent } from '../store/event-codec.ts';
import type { Executor } from '../store/statement.ts';
import { readNameIds } from '../store/statements/verify/read-name-ids.ts';
import type { StoredEventRow } from '../store/statements/verify/read-stream-events.ts';

/** Names and numbers of queues and types, read once and again when an event brings an unknown one. */
export interface NameDirectory {
  /** Learns what a page of events speaks of. */
  learn(executor: Executor, rows: readonly StoredEventRow[]): Promise<void>;
  /** The event, or undefined where its type, queue or job type is unknown. */
  decode(row: StoredEventRow): RecordedEvent | undefined;
  /** The numbers of the tenant that a queue belongs to; the queue must be known. */
  idsFor(queueId: number): RowIds;
}

export function createNameDirectory(): NameDirectory {
  const queues = new Map<number, { name: string; ids: RowIds }>();
  const types = new Map<number, string>();
  const tenants = new Map<number, ReturnType<typeof createIds>>();

  const tenantOf = (tenantId: number) => {
    const known = tenants.get(tenantId);
    if (known !== undefined) return known;
    const made = createIds(tenantId);
    tenants.set(tenantId, made);
    return made;
  };
  const isUnknown = (row: StoredEventRow) =>
    !queues.has(row.queue_id) || (row.job_type_id !== null && !types.has(row.job_type_id));

  return {
    async learn(executor, rows) {
      if (!rows.some(isUnknown)) return;
      for (const { what, id, tenant_id, name } of await executor.run(readNameIds, {})) {
        const tenant = tenantOf(tenant_id);
        if (what === 'type') types.set(id, name);
        else queues.set(id, { name, ids: tenant.ids });
        tenant.learn(what, name, id);
      }
    },
    decode(row) {
      const queue = queues.get(row.queue_id);
      const jobType = row.job_type_id === null ? null : types.get(row.job_type_id);
      if (queue === undefined || jobType === undefined) return undefined;
      return decodeEvent({ ...row, queue: queue.name, job_type: jobType, read_at: 0 });
    },
    idsFor(queueId) {
      return queues.get(queueId)?.ids ?? noIds;
    },
  };
}

const noIds: RowIds = { tenantId: 0, queueId: () => null, typeId: () => null };

function createIds(tenantId: number) {
  const known = { queue: new Map<string, number>(), type: new Map<string, number>() };
  const ids: RowIds = {
    tenantId,
    queueId: (name) => known.queue.get(name) ?? null,
    typeId: (name) => known.type.get(name) ?? null,
  };
  return {
    ids,
    learn: (what: 'queue' | 'type', name: string, id: number) => void known[what].set(name, id),
  };
}
