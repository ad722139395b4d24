import { loadJobs } from '../../commands/read/load-jobs.ts';
import { livePosition } from '../../consumers/lag.ts';
import { parseWriteToken } from '../../domain/write-token.ts';
import { DaybookError } from '../../kernel/errors.ts';
import type { Api } from '../dependencies.ts';

/** How long a read waits for its read model, in ms. */
const WAIT_MS = 1_000;
const LOOK_EVERY_MS = 25;

/**
 * Waits until a projection has read the event that a write token names, so that a list shows what
 * its reader has just written.
 * @throws DaybookError `invalid-request` for what is no token of a job,
 *   `projection-behind` after a second
 */
export async function readAfter(api: Api, projection: string, token: string): Promise<void> {
  const { context, clock } = api;
  const { database, tenantId } = context;
  const wanted = parseWriteToken(token);
  if (wanted === undefined) throw wrongToken('is not a write token');
  const deadline = clock.elapsedMs() + WAIT_MS;
  let position: bigint | null = null;
  for (;;) {
    if (position === null) {
      const loaded = await loadJobs(database, tenantId, [wanted.streamId]);
      const event = loaded.get(wanted.streamId)?.events[wanted.version - 1];
      if (event === undefined || event.epoch !== wanted.epoch) {
        throw wrongToken('names no event of a job');
      }
      position = event.position;
    }
    if (position !== null && (await livePosition(database, projection)) >= position) return;
    if (clock.elapsedMs() > deadline) {
      throw new DaybookError('projection-behind', 'The list has not reached the token yet.');
    }
    await clock.sleep(LOOK_EVERY_MS);
  }
}

function wrongToken(message: string): DaybookError {
  return new DaybookError('invalid-request', `The token ${message}.`, {
    fields: [{ pointer: '/query/after', message }],
  });
}
