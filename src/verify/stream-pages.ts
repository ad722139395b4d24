import type { RecordedEvent } from '../store/event-codec.ts';
import type { Executor } from '../store/statement.ts';
import {
  readStreamEvents,
  type StoredEventRow,
  type StreamCursor,
} from '../store/statements/verify/read-stream-events.ts';
import type { NameDirectory } from './name-directory.ts';

/** Below and above the id of every stream. */
export const firstId = '00000000-0000-0000-0000-000000000000';
export const lastId = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

const maxVersion = 2 ** 31 - 1;
const maxPosition = 2n ** 63n - 1n;

export interface StreamEvent {
  readonly row: StoredEventRow;
  /** Undefined where its type, queue or job type is unknown. */
  readonly event: RecordedEvent | undefined;
}

/** Events of log and inbox by stream and version, of streams above one id and up to another, in pages. */
export async function* streamPages(
  executor: Executor,
  directory: NameDirectory,
  range: { readonly after: string; readonly upTo: string },
  pageSize: number,
): AsyncGenerator<StreamEvent[]> {
  let after: StreamCursor = { stream: range.after, version: maxVersion, position: maxPosition };
  for (;;) {
    const { upTo } = range;
    const rows = await executor.run(readStreamEvents, { after, upTo, limit: pageSize });
    await directory.learn(executor, rows);
    yield rows.map((row) => ({ row, event: directory.decode(row) }));
    const last = rows.at(-1);
    if (last === undefined || rows.length < pageSize) return;
    const { stream_id: stream, version, position } = last;
    after = { stream, version, position: position ?? maxPosition };
  }
}
