import type { Executor } from '../../store/statement.ts';
import {
  type ChangedBodyRow,
  changeBodies,
  restoreBodies,
  type RestoredBodyRow,
} from '../../store/statements/transfer/restore-bodies.ts';
import { bodiesNamedBy } from './body-ledger.ts';
import type { SourcedEvent } from '../log-source.ts';

type Writable<Row> = { -readonly [Key in keyof Row]: Row[Key] };

/** Gathers what events bring of payloads and results, a row for each job, and writes it. */
export interface BodyWriter {
  take(sourced: SourcedEvent): void;
  write(tx: Executor): Promise<void>;
}

export function createBodyWriter(tenantId: number): BodyWriter {
  let born = new Map<string, Writable<RestoredBodyRow>>();
  let changed = new Map<string, Writable<ChangedBodyRow>>();

  /** The row of a job that is written next: its birth, or what changes after it. */
  const rowOf = (id: string) => {
    const known = born.get(id) ?? changed.get(id);
    if (known !== undefined) return known;
    const row = { id, hash: null, payload: null, result: null, erased: false };
    changed.set(id, row);
    return row;
  };

  return {
    take({ event, payload, result }) {
      const { streamId: id } = event;
      const { payloadHash, resultHash } = bodiesNamedBy(event);
      if (event.type === 'JobSubmitted') {
        const createdAt = new Date(event.occurredAtMs).toISOString();
        born.set(id, { id, createdAt, hash: event.data.payloadHash, payload, result: null });
        return;
      }
      if (payloadHash !== undefined) Object.assign(rowOf(id), { hash: payloadHash, payload });
      if (resultHash !== undefined) Object.assign(rowOf(id), { result });
      if (event.type !== 'PayloadErased') return;
      Object.assign(rowOf(id), { payload: null, result: null, erased: true });
    },
    async write(tx) {
      if (born.size > 0) await tx.run(restoreBodies, { tenantId, rows: [...born.values()] });
      if (changed.size > 0) await tx.run(changeBodies, { rows: [...changed.values()] });
      born = new Map();
      changed = new Map();
    },
  };
}
