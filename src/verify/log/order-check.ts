import type { LogFrame } from '../../store/statements/verify/read-log-frame.ts';
import type { StoredEventRow } from '../../store/statements/verify/read-stream-events.ts';
import type { Findings } from '../report.ts';

/** Checks that positions have no hole and that epochs follow each other. */
export interface OrderCheck {
  /** Takes the next event of the log. */
  take(event: StoredEventRow & { readonly position: bigint }): void;
  /** Compares the end of the log with the head, and its epochs with those that were opened. */
  end(
    frame: LogFrame,
    opened: readonly { readonly epoch: number; readonly after_position: bigint }[],
  ): void;
  events(): number;
}

export function createOrderCheck(findings: Findings): OrderCheck {
  let events = 0;
  let last = 0n;
  let epoch = 0;
  /** Where each epoch begins in the log. */
  const firsts = new Map<number, bigint>();

  /** A hole is one difference, however many positions it has. */
  const hole = (upTo: bigint) => {
    if (upTo === last + 1n) return;
    const first = last + 1n;
    const missing = upTo - first;
    findings.add({
      kind: 'position-missing',
      table: 'events',
      key: first.toString(),
      position: first,
      expected: missing === 1n ? 'an event' : `events from ${first} to ${upTo - 1n}`,
      found: null,
    });
  };

  return {
    events: () => events,
    take({ position, epoch: its, stream_id: key, version }) {
      hole(position);
      if (its < epoch) {
        const at = { table: 'events', key, version, position, column: 'epoch' };
        findings.add({ ...at, kind: 'epoch-wrong', expected: `${epoch} or later`, found: its });
      }
      if (!firsts.has(its)) firsts.set(its, position);
      events += 1;
      last = position;
      epoch = Math.max(epoch, its);
    },
    end(frame, opened) {
      if (last < frame.position) hole(frame.position + 1n);
      for (const [its, position] of firsts) {
        const after = opened.find((each) => each.epoch === its)?.after_position;
        if (after !== undefined && position > after) continue;
        const expected = after === undefined ? 'an epoch of log_epochs' : `above ${after}`;
        const at = { table: 'events', key: position.toString(), position };
        findings.add({ ...at, kind: 'epoch-wrong', column: 'epoch', expected, found: its });
      }
      if (frame.stranded_seq === null) return;
      findings.add({
        kind: 'event-stranded',
        table: 'event_inbox',
        key: frame.stranded_stream ?? '',
        version: frame.stranded_version,
        column: 'seq',
        expected: 'a number that the sequencer has yet to look at',
        found: frame.stranded_seq,
      });
    },
  };
}
