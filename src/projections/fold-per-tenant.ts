import type { RecordedEvent } from '../store/event-codec.ts';
import type { FoldedRow, LogRowFold, RowIds } from './row-fold.ts';

/** A fold of the log that speaks of queues and types by their names. */
interface NamedFold<Row> {
  add(event: RecordedEvent, recordedAtMs: number): void;
  rows(): readonly Row[];
}

/**
 * Folds the log for each tenant apart, because a name means something only within one, and puts the
 * numbers of the tenant in the place of names.
 */
export function foldPerTenant<Row>(
  start: () => NamedFold<Row>,
  rowOf: (row: Row, ids: RowIds) => FoldedRow,
): LogRowFold['start'] {
  return () => {
    const tenants = new Map<number, { readonly ids: RowIds; readonly fold: NamedFold<Row> }>();
    return {
      add(event, ids, recordedAtMs) {
        const tenant = tenants.get(ids.tenantId) ?? { ids, fold: start() };
        tenants.set(ids.tenantId, tenant);
        tenant.fold.add(event, recordedAtMs);
      },
      rows: () =>
        [...tenants.values()].flatMap(({ ids, fold }) => fold.rows().map((row) => rowOf(row, ids))),
    };
  };
}
