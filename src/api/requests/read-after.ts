import { findWritten } from '../../commands/read/find-written.ts';
import { type Reached, readReached } from '../../consumers/lag.ts';
import { parseWriteToken, type WriteToken } from '../../domain/write-token.ts';
import { DaybookError } from '../../kernel/errors.ts';
import type { Api } from '../dependencies.ts';

/** How long a read waits for its read models, in ms. */
const WAIT_MS = 1_000;
const LOOK_EVERY_MS = 25;

/** How new a list must be at least: `freshnessFields` of its query. */
export interface Freshness {
  /** A write token. */
  readonly after?: string | undefined;
  readonly minPosition?: bigint | undefined;
}

/**
 * Waits until projections have read the event that a write token names, and a position, so that a list
 * shows what its reader has just written. Answers how far they have read; what the list shows is at
 * least as new.
 * @param projections the read models that the list is made from
 * @throws DaybookError `invalid-request` for what is no write token, and, but on a replica, for a
 *   position that the log has not reached, `write-lost` for a token whose event went with an old epoch, `projection-behind`
 *   after a second
 */
export async function readFresh(
  api: Api,
  projections: readonly string[],
  { after, minPosition }: Freshness,
): Promise<Reached> {
  const { context, clock } = api;
  const deadline = clock.elapsedMs() + WAIT_MS;
  let token = after === undefined ? undefined : tokenOf(after);
  let wanted = minPosition ?? 0n;
  for (;;) {
    if (token !== undefined) {
      const position = await positionOf(api, token);
      if (position !== null) {
        token = undefined;
        if (position > wanted) wanted = position;
      }
    }
    const reached = await readReached(context.database, projections);
    if (token === undefined && reached.position >= wanted) return reached;
    if (clock.elapsedMs() > deadline) throw tooOld(context, reached, minPosition);
    await clock.sleep(LOOK_EVERY_MS);
  }
}

function tooOld(
  { isReplica = false }: Api['context'],
  { head }: Reached,
  minPosition: bigint | undefined,
): DaybookError {
  if (isReplica || minPosition === undefined || minPosition <= head) {
    return new DaybookError('projection-behind', 'The list has not reached the token yet.');
  }
  return wrong('minPosition', `The log ends at ${head}, before this position.`);
}

function tokenOf(text: string): WriteToken {
  const token = parseWriteToken(text);
  if (token === undefined) throw wrong('after', 'The token is not a write token.');
  return token;
}

/** Null until the sequencer has given the event a position, and until it has come to a replica. */
async function positionOf({ context }: Api, token: WriteToken): Promise<bigint | null> {
  const event = await findWritten(context, token);
  if (event === undefined && context.isReplica === true) return null;
  if (event === undefined) throw wrong('after', 'The token names no event of a job or a queue.');
  return event.position;
}

function wrong(field: keyof Freshness, message: string): DaybookError {
  return new DaybookError('invalid-request', message, {
    fields: [{ pointer: `/query/${field}`, message }],
  });
}
