import type { JobFold } from '../../projections/row-fold.ts';
import type { Findings } from '../report.ts';
import type { StreamEvent } from '../stream-pages.ts';
import { judgeEvent, type JudgedStream } from './judge-stream.ts';

/** A stream that is read, and the tables that are folded with it. */
export interface OpenStream {
  readonly judged: JudgedStream;
  readonly folds: readonly {
    /** Events beyond are left to a later run: the table has not read them. */
    readonly upTo: bigint;
    readonly fold: JobFold;
  }[];
}

/** Judges the next event of a stream, and folds it. */
export function addEvent(
  findings: Findings,
  { judged, folds }: OpenStream,
  { row, event }: StreamEvent,
): void {
  if (event === undefined) {
    const { stream_id: key, version, position } = row;
    const at = { table: 'events', key, version, position };
    if (judged.sound) findings.add({ ...at, kind: 'event-unknown', ...unknownOf(row) });
    judged.sound = false;
    return;
  }
  if (!judgeEvent(findings, judged, event) || judged.job === null) return;
  for (const { fold, upTo } of folds) {
    if (event.position !== null && event.position <= upTo) fold.add(event as never, judged.job);
  }
}

/** Which number of an event stands for nothing. */
function unknownOf(row: StreamEvent['row']): { readonly column: string; readonly found: unknown } {
  if (row.queue === null) return { column: 'queue_id', found: row.queue_id };
  const isKnown = row.job_type_id === null || row.job_type !== null;
  return isKnown
    ? { column: 'type', found: row.type }
    : { column: 'job_type_id', found: row.job_type_id };
}
