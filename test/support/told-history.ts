import type { RecordedEvent } from '../../src/domain/event-types.ts';
import type { JobEventData } from '../../src/domain/job/events.ts';
import type { QueueEventData } from '../../src/domain/queue/queue.ts';
import type { ClientRecord } from '../../src/verify/safety/witnesses/client-record.ts';
import { sortClientRecords } from '../../src/verify/safety/witnesses/client-records.ts';
import { createSafetyCheck, type SafetyReport } from '../../src/verify/safety/safety-check.ts';

type EventData = JobEventData & QueueEventData;

/** An event of a history, before it has its place. */
export interface Told {
  /** The job's letter; `queue` for the queue itself. */
  readonly stream: string;
  readonly type: RecordedEvent['type'];
  readonly data: unknown;
  readonly atMs: number;
  /** When the sequencer recorded its batch. */
  readonly recordedAtMs: number;
  readonly tenantId: number;
}

/** A day on which the tests take place, in ms since the epoch. */
export const DAY = Date.UTC(2026, 0, 1);

/** The stream id that a letter stands for. */
export function idOf(stream: string): string {
  const hex = Buffer.from(stream).toString('hex');
  return `00000000-0000-7000-8000-${hex.padStart(12, '0')}`;
}

/** Tells one event: who, what, when (ms of the day), and with which batch, by default half a second on. */
export function tell<Type extends keyof EventData>(
  stream: string,
  type: Type,
  atMs: number,
  data: EventData[Type],
  recordedAtMs = atMs + 500,
): Told {
  return {
    stream,
    type,
    data,
    atMs: DAY + atMs,
    recordedAtMs: DAY + recordedAtMs,
    tenantId: 1,
  };
}

export const submitted = {
  type: 'work',
  priority: 4,
  maxAttempts: 3,
  payloadHash: 'h',
  payloadBytes: 2,
};

/** A claim, whose token is the job's letter and a number. */
export function claim(stream: string, atMs: number, attempt = 1, token = `${stream}${atMs}`): Told {
  return tell(stream, 'JobClaimed', atMs, { attempt, session: 's', leaseToken: token });
}

/** Judges a history: gives each event its version and position, in the order told. */
export function judge(
  history: readonly Told[],
  {
    witnessed,
    everyJobEnded = false,
    positionOf = (index) => index + 1,
  }: {
    readonly witnessed?: readonly ClientRecord[];
    readonly everyJobEnded?: boolean;
    readonly positionOf?: (index: number) => number;
  } = {},
): SafetyReport {
  const records = witnessed === undefined ? {} : { records: sortClientRecords(witnessed) };
  const check = createSafetyCheck({ everyJobEnded, ...records });
  const versions = new Map<string, number>();
  for (const [index, { stream, type, data, atMs, recordedAtMs, tenantId }] of history.entries()) {
    const version = (versions.get(stream) ?? 0) + 1;
    versions.set(stream, version);
    const event = {
      type,
      data,
      streamId: idOf(stream),
      version,
      position: BigInt(positionOf(index)),
      epoch: 1,
      schemaVersion: 1,
      occurredAtMs: atMs,
      queue: 'default',
      jobType: 'work',
      tags: [],
      elapsedMs: null,
      actor: null,
      causation: null,
      correlation: null,
    };
    check.take(event as unknown as RecordedEvent, { tenantId, recordedAtMs });
  }
  return check.end(history.at(-1)?.recordedAtMs ?? null);
}
