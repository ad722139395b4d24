import type { JobState } from '../../domain/job/state.ts';
import { jobStatus } from '../job-status/projection.ts';
import { statusCodes } from '../job-status/status-codes.ts';
import { landmarksIn } from '../landmarks.ts';
import type { JobRow, SettledRowFold } from '../row-fold.ts';
import { findJobSpans, pageOfJobSpans, type SpanRow } from './queries.ts';
import { jobSpansName } from './table.ts';

interface Span {
  readonly from: bigint;
  readonly to: bigint;
  readonly landmarks: bigint;
  readonly state: JobState;
}

/** Each time that a job stood in one status of one queue while the log passed a landmark. */
export const jobSpansFold: SettledRowFold = {
  scope: 'settled',
  name: jobStatus.name,
  table: jobSpansName,
  start() {
    let state: JobState | null = null;
    let since = 0n;
    const spans: Span[] = [];
    return {
      add(event, after) {
        const position = event.position ?? 0n;
        const stays = state?.status === after.status && state.queue === after.queue;
        // Moved to where it was: it stands there anew.
        if (!stays || event.type === 'JobMoved') {
          const landmarks = landmarksIn(since, position);
          if (state !== null && landmarks > 0n) {
            spans.push({ from: since, to: position, landmarks, state });
          }
          since = position;
        }
        state = after;
      },
      rows: (ids) =>
        spans.map(({ from, to, landmarks, state: { id, queue, status } }) =>
          rowOf({
            job_id: id,
            from_position: from,
            to_position: to,
            queue_id: ids.queueId(queue) ?? 0,
            status: statusCodes[status],
            size_class: landmarks.toString(2).length - 1,
          }),
        ),
    };
  },
  async find(executor, rows) {
    const spans = rows.map(({ columns }) => columns as unknown as SpanRow);
    const found = new Map<number, JobRow>();
    for (const { place, ...span } of await executor.run(findJobSpans, spans)) {
      found.set(Number(place) - 1, rowOf(span));
    }
    return rows.map((_, index) => found.get(index));
  },
  async page(executor, { after, upTo, limit }) {
    const last = after === null ? null : (after.columns as unknown as SpanRow);
    return (await executor.run(pageOfJobSpans, { after: last, upTo, limit })).map(rowOf);
  },
};

/** What the index has tells a row from others. */
function rowOf(span: SpanRow): JobRow {
  const { job_id: jobId, queue_id: queue, status, size_class: size, from_position: from } = span;
  const key = `queue ${queue} status ${status} class ${size} from ${from}`;
  return { jobId, key, columns: { ...span } };
}
