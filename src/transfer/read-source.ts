import { DaybookError } from '../kernel/errors.ts';
import type { Executor } from '../store/statement.ts';
import { createBodyLedger } from './bodies/body-ledger.ts';
import { hasBodies } from './event-line.ts';
import type { LogSource, SourcedEvent } from './log-source.ts';

export interface ReadOptions {
  /** What the events are put into; see `LogSource`. */
  readonly tx: Executor;
  /** A part of a log is refused. */
  readonly isWhole: boolean;
  /** Told now and then how many events were read. */
  readonly onProgress: ((events: number) => void) | undefined;
}

/** Events per statement. */
const BATCH = 1_000;
/** And bytes of bodies. */
const BATCH_BYTES = 4 * 1_048_576;
/**
 * Reads all of a source, in batches of bounded size.
 * @throws DaybookError `source-refused` for one that is not whole
 */
export async function readSource(
  source: LogSource,
  { tx, isWhole, onProgress }: ReadOptions,
  write: (events: readonly SourcedEvent[]) => Promise<void>,
): Promise<void> {
  const ledger = createBodyLedger();
  let waiting: SourcedEvent[] = [];
  let bytes = 0;
  let events = 0;
  const flush = async () => {
    if (waiting.length > 0) await write(waiting);
    events += waiting.length;
    waiting = [];
    bytes = 0;
    onProgress?.(events);
  };
  for await (const batch of source.batches(tx)) {
    for (const each of batch) {
      ledger.take(each.event, hasBodies(each));
      waiting.push(each);
      bytes += (each.payload?.length ?? 0) + (each.result?.length ?? 0);
      if (waiting.length >= BATCH || bytes >= BATCH_BYTES) await flush();
    }
  }
  await flush();
  if (isWhole && !source.end().complete) {
    const message = `${source.name} is a part of a log, which begins after position 0 or was filtered: \`daybook import\` takes it, \`daybook restore\` does not. Nothing was restored.`;
    throw new DaybookError('source-refused', message);
  }
  const missing = ledger.missing();
  if (missing.length === 0) return;
  const message = `The payloads or results of ${missing.length} jobs are missing, the first one of ${missing[0]}. Nothing was restored.`;
  throw new DaybookError('source-refused', message);
}
