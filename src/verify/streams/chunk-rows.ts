import type { FoldedRow, JobRowFold } from '../../projections/row-fold.ts';
import type { Executor } from '../../store/statement.ts';
import {
  type IdRange,
  type PayloadRow,
  readClaimRows,
  readDeadRows,
  readPayloadRows,
  readQueueRows,
  type StoredRow,
} from '../../store/statements/verify/read-job-rows.ts';
import type { Findings } from '../report.ts';

/** The rows that tables hold for a chunk of streams. Each is taken away as it is compared. */
export interface ChunkRows {
  readonly claims: Map<string, StoredRow>;
  readonly dead: Map<string, StoredRow>;
  readonly payloads: Map<string, PayloadRow>;
  readonly queues: Map<string, StoredRow>;
  /** Of each read model: its rows by job and key. */
  readonly models: ReadonlyMap<JobRowFold, Map<string, Map<string, FoldedRow['columns']>>>;
}

export async function readChunkRows(
  tx: Executor,
  range: IdRange,
  models: readonly JobRowFold[],
  bodies: boolean,
): Promise<ChunkRows> {
  const byId = <Row extends { id: string }>(rows: readonly Row[]) =>
    new Map(rows.map((row) => [row.id, row]));
  const claims = byId(await tx.run(readClaimRows, range));
  const dead = byId(await tx.run(readDeadRows, range));
  const payloads = byId(await tx.run(readPayloadRows, { ...range, bodies }));
  const queues = byId(await tx.run(readQueueRows, range));
  const byModel = new Map<JobRowFold, Map<string, Map<string, FoldedRow['columns']>>>();
  for (const model of models) {
    const byJob = new Map<string, Map<string, FoldedRow['columns']>>();
    for (const { jobId, key, columns } of await model.read(tx, range)) {
      const ofJob = byJob.get(jobId) ?? new Map<string, FoldedRow['columns']>();
      byJob.set(jobId, ofJob.set(key, columns));
    }
    byModel.set(model, byJob);
  }
  return { claims, dead, payloads, queues, models: byModel };
}

/** Tells every row that no stream has asked for, of ids up to `upTo`. */
export function addRowsLeft(findings: Findings, rows: ChunkRows, upTo: string): void {
  const tables = { job_claims: rows.claims, dead_jobs: rows.dead, queues: rows.queues };
  for (const [table, left] of Object.entries({ ...tables, job_payloads: rows.payloads })) {
    for (const [key, found] of left) {
      if (key <= upTo) findings.add({ kind: 'row-extra', table, key, found });
    }
  }
  for (const [{ table }, left] of rows.models) {
    for (const [key, ofJob] of left) {
      if (key > upTo) continue;
      for (const found of ofJob.values()) findings.add({ kind: 'row-extra', table, key, found });
    }
  }
}
