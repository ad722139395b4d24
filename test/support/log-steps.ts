import { expect } from 'vitest';
import type { Executor, Statement } from '../../src/store/statement.ts';
import type { EventRow } from '../../src/store/statements/read-streams.ts';
import { readHead } from '../../src/store/statements/read-head.ts';
import { readLog } from '../../src/store/statements/read-log.ts';
import {
  sequenceInbox,
  type SequenceInboxParams,
  type SequencedRow,
} from '../../src/store/statements/sequence-inbox.ts';

/**
 * One batch of a sequencer, with the head's present tick; answers how many events moved.
 * @param variant another text for the statement, to see what a rule is good for
 */
export async function sequenceOnce(
  executor: Executor,
  variant: Statement<SequenceInboxParams, SequencedRow> = sequenceInbox,
): Promise<number> {
  const [head] = await executor.run(readHead, {});
  const parameters = { tick: head?.tick ?? 0n, limit: 5_000, channel: 'nobody' };
  const [row] = await executor.run(variant, parameters);
  return row?.moved ?? 0;
}

/** Moves all that is visible in the inbox, where no sequencer runs. */
export async function sequenceAll(executor: Executor): Promise<void> {
  while ((await sequenceOnce(executor)) > 0);
}

/** The whole log, in order. */
export async function wholeLog(executor: Executor): Promise<EventRow[]> {
  const events: EventRow[] = [];
  for (;;) {
    const afterPosition = events.at(-1)?.position ?? 0n;
    const page = await executor.run(readLog, { afterPosition, limit: 10_000 });
    if (page.length === 0) return events;
    events.push(...page);
  }
}

/** Positions 1 to n without a gap, and each stream in version order from 1. */
export function expectOrder(events: readonly EventRow[]): void {
  const wrong: string[] = [];
  const versions = new Map<string, number>();
  for (const [index, { position, stream_id, version }] of events.entries()) {
    if (position !== BigInt(index + 1)) wrong.push(`position ${position} at place ${index + 1}`);
    const before = versions.get(stream_id) ?? 0;
    if (version !== before + 1) wrong.push(`${stream_id}: ${version} after ${before}`);
    versions.set(stream_id, version);
  }
  expect(wrong.slice(0, 10)).toEqual([]);
}
