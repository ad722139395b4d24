import type { RelayEvent } from './relay-event.ts';

/** A stretch of the log of which so many events are not in the target yet. */
export interface PumpedPage {
  readonly upTo: bigint;
  left: number;
}

/** Events of one stream on their way to the target, and how it went so far with the first of them. */
export interface WaitingStream {
  readonly streamId: string;
  readonly queue: { readonly event: RelayEvent; readonly page: PumpedPage }[];
  /** How many of the first belong to the batch that is tried; 0 before it was chosen. */
  batch: number;
  attempts: number;
  /** Successes of all streams when its first attempt failed. */
  successesBefore: number;
  /** It alone does not go through, whatever its error is called. */
  stuck: unknown;
}

export interface BatchLimits {
  /** Bytes of one append, at the most, but for an event that is larger by itself. */
  readonly maxBatchBytes: number;
  /** An event larger than this is never tried. */
  readonly maxEventBytes: number;
}

const MAX_BATCH_EVENTS = 500;

export function waitingStream(streamId: string): WaitingStream {
  return { streamId, queue: [], batch: 0, attempts: 0, successesBefore: 0, stuck: null };
}

/**
 * What is appended next: as many of the first as fit into one append, and the same ones until they are
 * settled. What is too large by itself is left for its turn.
 */
export function nextBatch(stream: WaitingStream, limits: BatchLimits): RelayEvent[] {
  if (stream.batch === 0) stream.batch = batchSize(stream, limits);
  return stream.queue.slice(0, stream.batch).map(({ event }) => event);
}

function batchSize({ queue }: WaitingStream, limits: BatchLimits): number {
  const { maxBatchBytes, maxEventBytes } = limits;
  let bytes = 0;
  const end = queue.findIndex(({ event }, index) => {
    bytes += event.bytes;
    if (index === 0) return false;
    return bytes > maxBatchBytes || index >= MAX_BATCH_EVENTS || event.bytes > maxEventBytes;
  });
  return end === -1 ? queue.length : end;
}

/** Takes the first events out: they are in the target, or parked. */
export function settleFirst(
  stream: WaitingStream,
  count: number,
): { readonly bytes: number; readonly endedPage: boolean } {
  let bytes = 0;
  let endedPage = false;
  for (const { event, page } of stream.queue.splice(0, count)) {
    bytes += event.bytes;
    page.left -= 1;
    endedPage ||= page.left === 0;
  }
  stream.batch = 0;
  stream.attempts = 0;
  return { bytes, endedPage };
}
