import type { RowIds } from '../projections/row-fold.ts';
import { decodeEvent, type RecordedEvent } from '../store/event-codec.ts';
import type { Executor } from '../store/statement.ts';
import { readNameIds } from '../store/statements/verify/read-name-ids.ts';
import type { StoredEventRow } from '../store/statements/verify/read-stream-events.ts';

/** The numbers behind names, read once, and again when an event brings a name that is not known. */
export interface NameDirectory {
  /** Learns what a page of events speaks of. */
  learn(executor: Executor, rows: readonly StoredEventRow[]): Promise<void>;
  /** The numbers of a tenant; none of the tenant null, which is that of an unknown queue. */
  idsOf(tenantId: number | null): RowIds;
}

export function createNameDirectory(): NameDirectory {
  const tenants = new Map<number, Ids>();
  const isUnknown = ({ tenant_id: tenantId, queue, job_type: type }: StoredEventRow) => {
    if (tenantId === null || queue === null) return false;
    const tenant = tenants.get(tenantId);
    return !tenant?.queues.has(queue) || (type !== null && !tenant.types.has(type));
  };
  const tenantOf = (tenantId: number): Ids => {
    const known = tenants.get(tenantId) ?? createIds(tenantId);
    tenants.set(tenantId, known);
    return known;
  };

  return {
    async learn(executor, rows) {
      if (!rows.some(isUnknown)) return;
      for (const { what, id, tenant_id, name } of await executor.run(readNameIds, {})) {
        const { queues, types } = tenantOf(tenant_id);
        (what === 'queue' ? queues : types).set(name, id);
      }
    },
    idsOf: (tenantId) => tenantOf(tenantId ?? 0),
  };
}

/** The event, or undefined where its type, queue or job type is unknown. */
export function decodeStored(row: StoredEventRow): RecordedEvent | undefined {
  const { queue } = row;
  if (queue === null || (row.job_type === null && row.job_type_id !== null)) return undefined;
  // The same object, which now has a queue for certain: copying a log event by event costs a third.
  return decodeEvent(row as StoredEventRow & { queue: string });
}

interface Ids extends RowIds {
  readonly queues: Map<string, number>;
  readonly types: Map<string, number>;
}

function createIds(tenantId: number): Ids {
  const queues = new Map<string, number>();
  const types = new Map<string, number>();
  return {
    tenantId,
    queues,
    types,
    queueId: (name) => queues.get(name) ?? null,
    typeId: (name) => types.get(name) ?? null,
  };
}
