import type { Executor } from '../../store/statement.ts';
import { type LogFrame, readBatches } from '../../store/statements/verify/read-log-frame.ts';
import type { Findings } from '../report.ts';

/** Checks log_batches, the only map from time to position. */
export interface BatchCheck {
  /** Reads on from where it stopped. */
  read(executor: Executor): Promise<void>;
  /** Compares the last batch with the head of the same moment. */
  end(frame: LogFrame): void;
  count(): number;
}

export function createBatchCheck(findings: Findings, pageSize: number): BatchCheck {
  let count = 0;
  let last = { last_position: 0n, recorded_at: 0 };
  const wrong = (position: bigint, column: string, expected: unknown, found: unknown) =>
    findings.add({
      kind: 'batch-wrong',
      table: 'log_batches',
      key: position.toString(),
      column,
      expected,
      found,
    });

  return {
    count: () => count,
    async read(executor) {
      for (;;) {
        const page = await executor.run(readBatches, {
          after: last.last_position,
          limit: pageSize,
        });
        for (const batch of page) {
          if (batch.recorded_at < last.recorded_at) {
            const expected = `${last.recorded_at} or later`;
            wrong(batch.last_position, 'recorded_at', expected, batch.recorded_at);
          }
          count += 1;
          last = batch;
        }
        if (page.length < pageSize) return;
      }
    },
    end({ position, recorded_at: recordedAt }) {
      if (last.last_position !== position) {
        wrong(last.last_position, 'last_position', position, last.last_position);
      }
      if (last.recorded_at > recordedAt) {
        const expected = `${recordedAt} or earlier`;
        wrong(last.last_position, 'recorded_at', expected, last.recorded_at);
      }
    },
  };
}
