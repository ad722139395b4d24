import type { Steps } from '../world.ts';
import type { Head, InboxRow, LogRow, MissingNumbers } from './tables.ts';
import type { Transaction } from './transactions.ts';

/**
 * sequence-inbox: in one snapshot, every visible row above the highest number moved (a window of them)
 * and every visible one among the numbers still missing below it, in number order. Whoever names
 * another tick than the head has moves nothing.
 * @param limit how many numbers to look at, from the first new one
 * @returns the tick to go on with
 */
export function* sequenceInbox(
  tx: Transaction,
  tick: number,
  limit: number,
  log: LogRow[],
): Steps<number> {
  const { head } = tx.snapshot;
  const visible = [...tx.snapshot.inbox.values()].toSorted((a, b) => a.seq - b.seq);
  const next = visible.find(({ seq }) => seq > head.highestSeq)?.seq;
  if (head.tick !== tick || (head.missing.length === 0 && next === undefined)) return head.tick;
  if (tx.mutation !== 'head-unlocked') {
    yield* tx.lock('head', 'update');
    if (tx.now.head.tick !== tick) return head.tick;
  }
  const isLate = (seq: number) => head.missing.some(({ numbers }) => numbers.has(seq));
  const isFresh = (seq: number) => next !== undefined && seq >= next && seq < next + limit;
  const taken = visible.filter(({ seq }) => isLate(seq) || isFresh(seq));
  const advanced = advance(tx, head, taken);
  tx.onCommit((tables) => {
    for (const { seq } of taken) tables.inbox.delete(seq);
    tables.head = advanced;
    for (const [index, { event }] of taken.entries()) {
      const position = BigInt(head.position + index + 1);
      log.push({ event: { ...event, position }, recordedAtMs: advanced.recordedAtMs });
    }
  });
  return advanced.tick;
}

function advance(tx: Transaction, head: Head, taken: readonly InboxRow[]): Head {
  const highestSeq = Math.max(head.highestSeq, taken.at(-1)?.seq ?? 0);
  const moved = new Set(taken.map(({ seq }) => seq));
  const passed = new Set<number>();
  for (let seq = head.highestSeq + 1; seq < highestSeq; seq += 1) {
    if (!moved.has(seq)) passed.add(seq);
  }
  const fence = tx.xid();
  const kept = head.missing.filter((missing) => missing.fence > tx.xmin);
  const missing = [...kept, { numbers: passed, fence }].flatMap((group): MissingNumbers[] => {
    const numbers = [...group.numbers].filter((seq) => !moved.has(seq));
    return numbers.length === 0 ? [] : [{ fence: group.fence, numbers: new Set(numbers) }];
  });
  return {
    tick: head.tick + 1,
    position: head.position + taken.length,
    highestSeq,
    missing: tx.mutation === 'low-water-mark' ? [] : missing,
    recordedAtMs: Math.max(head.recordedAtMs, tx.atMs),
  };
}
