import type { RecordedEvent } from '../store/event-codec.ts';
import type { Executor } from '../store/statement.ts';
import {
  readStreamEvents,
  type StoredEventRow,
  type StreamCursor,
} from '../store/statements/verify/read-stream-events.ts';
import { decodeStored, type NameDirectory } from './name-directory.ts';

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
  const { upTo } = range;
  const read = (after: StreamCursor) =>
    executor.run(readStreamEvents, { after, upTo, limit: pageSize });
  let next = read({ stream: range.after, version: maxVersion, position: maxPosition });
  for (;;) {
    const rows = await next;
    await directory.learn(executor, rows);
    const last = rows.length < pageSize ? undefined : rows.at(-1);
    // The database reads the next page while this one is worked on.
    if (last !== undefined) {
      const { stream_id: stream, version, position } = last;
      next = read({ stream, version, position: position ?? maxPosition });
      next.catch(heardLater);
    }
    yield rows.map((row) => ({ row, event: decodeStored(row) }));
    if (last === undefined) return;
  }
}

function heardLater(): void {
  // Whoever awaits the page hears of it; nobody does once the chunk has ended early or failed.
}
