import type { WriteToken } from '../../domain/write-token.ts';
import { DaybookError } from '../../kernel/errors.ts';
import { findQueueEvent } from '../../store/statements/find-queue-event.ts';
import { readHead } from '../../store/statements/read-head.ts';
import type { WriteContext } from '../write-context.ts';
import { loadJobs } from './load-jobs.ts';

/** Where a written event stands. */
export interface Written {
  /** Null until the sequencer has given it one. */
  readonly position: bigint | null;
}

/**
 * The event of a job or a queue that a write token names; undefined where there never was one. A token of an
 * old epoch is as good as a new one while its event is in the log. The first event of a stream is
 * known by the stream alone, which is born once: the process that gave the token may not have heard of
 * a new epoch yet.
 * @throws DaybookError `write-lost` where the log has lost it with the end of its epoch
 */
export async function findWritten(
  {
    database,
    tenantId,
    isReplica = false,
  }: Pick<WriteContext, 'database' | 'tenantId' | 'isReplica'>,
  { epoch, streamId, version }: WriteToken,
): Promise<Written | undefined> {
  const loaded = await loadJobs(database, tenantId, [streamId]);
  const event = loaded.get(streamId)?.events[version - 1];
  if (event !== undefined && (event.epoch === epoch || version === 1)) return event;
  if (loaded.size === 0) {
    const [ofQueue] = await database.run(findQueueEvent, { tenantId, streamId, version });
    if (ofQueue !== undefined && (ofQueue.epoch ?? epoch) === epoch) return ofQueue;
  }
  const [head] = await database.run(readHead, {});
  if (head === undefined || head.epoch === epoch) return undefined;
  // A replica may not have heard of it yet. Elsewhere a later one is gone, with a restore of an older state.
  if (isReplica && head.epoch < epoch) return undefined;
  throw new DaybookError(
    'write-lost',
    `The token is of epoch ${epoch} and its event is gone; the log is in epoch ${head.epoch}.`,
    { facts: { epoch: head.epoch } },
  );
}
