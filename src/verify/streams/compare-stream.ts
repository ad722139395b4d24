import type { JobState } from '../../domain/job/state.ts';
import type { QueueState } from '../../domain/queue/queue.ts';
import { uuidV5 } from '../../kernel/ids.ts';
import type { FoldedRow, JobRowFold, RowIds } from '../../projections/row-fold.ts';
import type { PayloadRow } from '../../store/statements/verify/read-job-rows.ts';
import type { ChunkRows } from './chunk-rows.ts';
import { compareColumn, compareRow } from '../compare-rows.ts';
import { rowsOfJob } from '../job-rows.ts';
import type { JudgedStream } from './judge-stream.ts';
import type { Findings } from '../report.ts';

/** What each read model gives for a stream. */
export type FoldedModels = ReadonlyMap<JobRowFold, readonly FoldedRow[]>;

/** Compares what a stream gives with the rows that the tables hold of it, and takes those away. */
export function compareStream(
  findings: Findings,
  stream: JudgedStream,
  models: FoldedModels,
  rows: ChunkRows,
  bodies: boolean,
): void {
  const { id, ids, job, queue, sound } = stream;
  const claim = take(rows.claims, id);
  const dead = take(rows.dead, id);
  const payload = take(rows.payloads, id);
  const queueRow = take(rows.queues, id);
  const stored = new Map([...rows.models].map(([model, byJob]) => [model, take(byJob, id)]));
  if (!sound) return;
  const expected = job === null ? { claim: null, dead: null } : rowsOfJob(job, ids);
  compareRow(findings, 'job_claims', id, expected.claim, claim);
  compareRow(findings, 'dead_jobs', id, expected.dead, dead);
  if (job !== null) compareBodies(findings, job, ids, payload, bodies);
  compareRow(findings, 'queues', id, queue === null ? null : queueColumns(queue, ids), queueRow);
  if (queue !== null) {
    const own = uuidV5('queue', ids.tenantId, queue.name);
    compareColumn(findings, 'queues', id, 'stream_id', own, id);
  }
  for (const [model, found] of stored) {
    compareModel(findings, model, id, models.get(model) ?? [], found ?? new Map());
  }
}

function take<Row>(rows: Map<string, Row>, id: string): Row | null {
  const row = rows.get(id) ?? null;
  rows.delete(id);
  return row;
}

function queueColumns(queue: QueueState, ids: RowIds) {
  return {
    tenant_id: ids.tenantId,
    name: queue.name,
    version: queue.version,
    paused: queue.paused,
    settings: queue.settings,
    created_at: queue.createdAtMs,
  };
}

/** Of bodies there is no second copy: what can be compared are their hashes, and whether they are there. */
function compareBodies(
  findings: Findings,
  job: JobState,
  ids: RowIds,
  row: PayloadRow | null,
  bodies: boolean,
): void {
  const table = 'job_payloads';
  const expected = {
    tenant_id: ids.tenantId,
    created_at: job.submittedAtMs,
    payload_hash: job.payloadHash,
    has_payload: !job.payloadErased,
  };
  compareRow(findings, table, job.id, expected, row === null ? null : { ...row });
  if (row === null) return;
  if (bodies && row.has_payload) {
    compareColumn(findings, table, job.id, 'payload', job.payloadHash, row.hash_of_payload);
  }
  // An erased job's result is gone, unless it came after the erasure.
  if (!row.has_result && job.payloadErased) return;
  compareColumn(findings, table, job.id, 'has_result', job.resultHash !== null, row.has_result);
  if (bodies && row.has_result) {
    compareColumn(findings, table, job.id, 'result', job.resultHash, row.hash_of_result);
  }
}

function compareModel(
  findings: Findings,
  { table }: JobRowFold,
  id: string,
  expected: readonly FoldedRow[],
  found: ReadonlyMap<string, FoldedRow['columns']>,
): void {
  const left = new Map(found);
  for (const { key, columns } of expected) {
    compareRow(findings, table, id, columns, left.get(key) ?? null);
    left.delete(key);
  }
  for (const columns of left.values()) compareRow(findings, table, id, null, columns);
}
