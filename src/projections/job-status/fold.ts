import { errorFingerprint } from '../../domain/job/error-fingerprint.ts';
import { sha256, uuidOfHex } from '../../kernel/ids.ts';
import type { JobState } from '../../domain/job/state.ts';
import type { JobRowFold, RowIds } from '../row-fold.ts';
import { jobStatus } from './projection.ts';
import { readJobStatusRows } from './queries.ts';
import { statusCodes } from './status-codes.ts';
import { errorMessageLength, jobStatusName } from './table.ts';

/** The row of a job: its state, cut to the columns of the table. */
export const jobStatusFold: JobRowFold = {
  scope: 'job',
  name: jobStatus.name,
  table: jobStatusName,
  start() {
    let state: JobState | null = null;
    let position: bigint | null = null;
    let since: bigint | null = null;
    return {
      add(event, after) {
        const stays = state?.status === after.status && state.queue === after.queue;
        // Moved to where it was: it stands there anew.
        if (!stays || event.type === 'JobMoved') since = event.position;
        state = after;
        position = event.position;
      },
      rows: (ids) =>
        state === null
          ? []
          : [{ key: '', columns: { ...columnsOf(state, position, ids), since_position: since } }],
    };
  },
  async read(executor, range) {
    const rows = await executor.run(readJobStatusRows, range);
    return rows.map(({ job_id: jobId, ...columns }) => ({ jobId, key: '', columns }));
  },
};

function columnsOf(state: JobState, position: bigint | null, ids: RowIds) {
  return {
    tenant_id: ids.tenantId,
    queue_id: ids.queueId(state.queue),
    type_id: ids.typeId(state.type),
    status: statusCodes[state.status],
    retrying: state.retrying,
    priority: state.priority,
    failures: state.failures,
    max_attempts: state.maxAttempts,
    run_at: state.runAtMs,
    submitted_at: state.submittedAtMs,
    started_at: state.startedAtMs,
    ended_at: state.endedAtMs,
    error_fingerprint:
      state.lastError === null
        ? null
        : uuidOfHex(errorFingerprint(state.type, state.lastError, sha256)),
    error_name: state.lastError?.name ?? null,
    error_message: state.lastError === null ? null : beginning(state.lastError.message),
    unique_key: state.uniqueKey,
    correlation: state.correlation,
    tags: state.tags.length === 0 ? null : state.tags,
    position,
    version: state.version,
  };
}

/** As Postgres counts characters: by code points. */
function beginning(text: string): string {
  return text.length <= errorMessageLength
    ? text
    : Array.from(text).slice(0, errorMessageLength).join('');
}
