import { eventId } from '../kernel/ids.ts';
import { expectedBefore, type RelayEvent, revisionOf } from './relay-event.ts';
import { TargetFailure } from './target/event-target.ts';
import type { TargetSession } from './target/target-session.ts';

/** Why nothing more can be appended to a stream until somebody has looked: the target is not what it should be. */
export type Mismatch =
  /** An event stands there that is none of ours. */
  | 'foreign-event'
  /** An event stands there that a lost epoch wrote: the log was put back to an older state. */
  | 'lost-epoch'
  /** Events before these are missing there. */
  | 'gap';

export class TargetMismatch extends Error {
  readonly mismatch: Mismatch;
  readonly stream: string;
  /** Of the first event that cannot be appended. */
  readonly position: bigint;

  constructor(mismatch: Mismatch, event: RelayEvent, message: string) {
    super(message);
    this.name = 'TargetMismatch';
    this.mismatch = mismatch;
    this.stream = event.stream;
    this.position = event.position;
  }
}

/**
 * Appends events of one stream that follow each other; resolves once every one of them is in the
 * target, exactly once. Trying again is harmless: the expected revision comes from the versions, never
 * from the target, and a wrong one is settled by reading back what is there.
 * @param events at least one @throws TargetFailure `transient` or `refused`, TargetMismatch
 */
export async function appendBatch(
  session: TargetSession,
  events: readonly RelayEvent[],
): Promise<void> {
  const [first] = events;
  if (first === undefined) return;
  try {
    const expected = expectedBefore(first.version);
    await session.append(
      first.stream,
      events.map(({ event }) => event),
      expected,
    );
  } catch (error) {
    if (!(error instanceof TargetFailure) || error.kind !== 'wrong-version') throw error;
    const left = await leftToAppend(session, events, error.actual);
    if (left.length > 0) await appendBatch(session, left);
  }
}

/**
 * Reads back where the batch should stand. Answers what of it is missing at the end of the stream.
 * @param actual the last revision, as the target told it
 */
async function leftToAppend(
  session: TargetSession,
  events: readonly RelayEvent[],
  actual: bigint | null | undefined,
): Promise<readonly RelayEvent[]> {
  const [first] = events;
  if (first === undefined) return [];
  // One before as well: with nothing of the batch there, it tells a race from a gap.
  const from = first.version === 1 ? 0n : revisionOf(first.version) - 1n;
  const stored = await session.read(first.stream, from, events.length + 1);
  const ids = new Map(stored.map(({ revision, id }) => [revision, id]));
  for (const [index, event] of events.entries()) {
    const id = ids.get(revisionOf(event.version));
    if (id === event.event.id) continue;
    if (id !== undefined) throw notOurs(event, id);
    if (index > 0) return events.slice(index);
    const isHidden = stored.length === 0 && typeof actual === 'bigint';
    const isNext = !isHidden && (first.version === 1 ? stored.length === 0 : ids.has(from));
    // The stream ends where it should: another relay was quicker to say, or a reply was late.
    if (isNext)
      throw new TargetFailure('transient', 'raced', `${first.stream} has changed meanwhile.`);
    throw new TargetMismatch(
      'gap',
      event,
      `${event.stream} lacks revision ${from} in the target: it was deleted or truncated there, or the relay began later.`,
    );
  }
  return [];
}

function notOurs(event: RelayEvent, id: string): TargetMismatch {
  const { streamId, epoch, version, stream } = event;
  const where = `${stream}@${revisionOf(version)} is ${id} in the target`;
  for (let earlier = 1; earlier <= epoch + 1; earlier += 1) {
    if (earlier !== epoch && eventId(streamId, earlier, version) === id) {
      const message = `${where}, which epoch ${earlier} of the log wrote and the log no longer has.`;
      return new TargetMismatch('lost-epoch', event, message);
    }
  }
  return new TargetMismatch('foreign-event', event, `${where}, which Daybook did not write.`);
}
