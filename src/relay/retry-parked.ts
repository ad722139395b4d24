import { forgetParked } from '../consumers/statements/forget-parked.ts';
import { findParkedStreams } from '../consumers/statements/find-parked-streams.ts';
import { readRetrying } from '../consumers/statements/read-retrying.ts';
import { setParkedState } from '../consumers/statements/set-parked-state.ts';
import type { Database } from '../store/database.ts';
import { appendBatch, TargetMismatch } from './append-batch.ts';
import { failureText } from './failure-text.ts';
import { relayRows } from './read-events.ts';
import { TargetFailure } from './target/event-target.ts';
import type { TargetSession } from './target/target-session.ts';

export interface RetryParkedOptions {
  readonly database: Database;
  readonly session: TargetSession;
  readonly consumer: string;
  readonly build: number;
  readonly bodies: boolean;
  readonly maxBatchBytes: number;
  /** Whether events of a stream are on their way to be parked: until they are, they belong behind these. */
  readonly isBusy: (streamId: string) => boolean;
  /** Called when nothing of a stream is parked any more: from then on it is relayed again. */
  readonly relayed: (streamId: string) => void;
}

/** Events tried again at once. */
const AT_ONCE = 100;

/**
 * Appends some parked events that an operator wants tried again, all of one stream, in order. What
 * fails for good is parked once more; what may work the next time stays as it is.
 */
export async function retryParkedStream(options: RetryParkedOptions): Promise<void> {
  const { database, session, consumer, build, bodies, maxBatchBytes, isBusy, relayed } = options;
  const rows = await database.run(readRetrying, { consumer, build, limit: AT_ONCE });
  if (rows.length === 0) return;
  const all = await relayRows(database, rows, bodies);
  let bytes = 0;
  const fitting = all.filter((event, index) => {
    bytes += event.bytes;
    return index === 0 || bytes <= maxBatchBytes;
  });
  const [first] = fitting;
  if (first === undefined) return;
  const { streamId } = first;
  try {
    await appendBatch(session, fitting);
  } catch (error) {
    if (error instanceof TargetFailure && error.kind === 'transient') return;
    if (!(error instanceof TargetFailure) && !(error instanceof TargetMismatch)) throw error;
    const parked = { consumer, build, streamId, state: 'parked' as const };
    await database.run(setParkedState, { ...parked, error: failureText(error, first.position) });
    return;
  }
  if (isBusy(streamId)) return;
  const positions = fitting.map(({ position }) => position);
  await database.run(forgetParked, { consumer, build, positions });
  const left = await database.run(findParkedStreams, { consumer, build, streamIds: [streamId] });
  if (left.length === 0) relayed(streamId);
}
