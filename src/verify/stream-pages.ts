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

export interface PageOptions {
  /** Events per page. */
  readonly size: number;
  /** Let the database read the next page while one is worked on: by a caller that asks it nothing else. */
  readonly ahead: boolean;
}

/** Events of log and inbox by stream and version, of streams above one id and up to another, in pages. */
export function streamPages(
  executor: Executor,
  directory: NameDirectory,
  { after, upTo }: { readonly after: string; readonly upTo: string },
  options: PageOptions,
): AsyncGenerator<StreamEvent[]> {
  const behind = { stream: after, version: maxVersion, position: maxPosition };
  return pagesBehind(executor, directory, behind, upTo, options);
}

/** Events of one stream, in pages. */
export function pagesOfStream(
  executor: Executor,
  directory: NameDirectory,
  id: string,
  options: PageOptions,
): AsyncGenerator<StreamEvent[]> {
  const before = { stream: id, version: 0, position: 0n };
  return pagesBehind(executor, directory, before, id, options);
}

async function* pagesBehind(
  executor: Executor,
  directory: NameDirectory,
  cursor: StreamCursor,
  upTo: string,
  { size, ahead }: PageOptions,
): AsyncGenerator<StreamEvent[]> {
  const read = (after: StreamCursor) =>
    executor.run(readStreamEvents, { after, upTo, limit: size });
  let after = cursor;
  let pending: Promise<StoredEventRow[]> | null = null;
  try {
    for (;;) {
      const rows: StoredEventRow[] = await (pending ?? read(after));
      pending = null;
      await directory.learn(executor, rows);
      const last = rows.at(-1);
      const isLast = last === undefined || rows.length < size;
      if (!isLast) {
        const { stream_id: stream, version, position } = last;
        after = { stream, version, position: position ?? maxPosition };
        if (ahead) pending = read(after);
        pending?.catch(unheard);
      }
      yield rows.map((row) => ({ row, event: decodeStored(row) }));
      if (isLast) return;
    }
  } finally {
    // A caller that stops early, or fails, has the connection to itself again.
    await pending?.catch(unheard);
  }
}

function unheard(): void {
  // Whoever waits for the page hears of it; nobody does any more once the pages have ended.
}
