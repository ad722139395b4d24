import { checkAsker } from '../check-asker.ts';
import { isName } from '../../domain/names.ts';
import { eventTypeCodes } from '../../domain/event-types.ts';
import { decideQueue, type QueueCommand, type QueueSettings } from '../../domain/queue/queue.ts';
import { DaybookError } from '../../kernel/errors.ts';
import { formatWriteToken } from '../../domain/write-token.ts';
import { changeQueue as changeStatement } from '../../store/statements/change-queue.ts';
import { findQueues, type QueueRow } from '../../store/statements/find-queues.ts';
import { type CommandOptions, executorFor, type WriteContext } from '../write-context.ts';

/** A queue as the write side knows it. */
export interface Queue {
  readonly name: string;
  readonly paused: boolean;
  readonly settings: QueueSettings;
  readonly createdAtMs: number;
  /** Names the newest event of the queue; see write-token.ts. */
  readonly token: string;
}

const ROUNDS = 8;

/**
 * Pauses, resumes or configures a queue. What is so already is answered as it is, without an event.
 * @throws DaybookError `queue-not-found`, `concurrent-change`, `invalid-request`
 */
export async function changeQueue(
  context: WriteContext,
  name: string,
  command: Exclude<QueueCommand, { kind: 'create' }>,
  options: CommandOptions = {},
): Promise<Queue> {
  checkAsker(options, command);
  for (let round = 1; round <= ROUNDS; round += 1) {
    const row = await readRow(context, name, options);
    const decision = decideQueue(stateOf(row), command);
    const event = decision.events?.[0];
    if (event === undefined) return queueOf(context, row);
    const [changed] = await executorFor(context, options).run(changeStatement, {
      tenantId: context.tenantId,
      name,
      expected: row.version,
      paused: command.kind === 'configure' ? row.paused : command.kind === 'pause',
      settings:
        command.kind === 'configure' ? { ...row.settings, ...command.settings } : row.settings,
      eventType: eventTypeCodes[event.type],
      data: event.data,
      actor: options.actor ?? null,
      causation: options.causation ?? null,
    });
    if (changed === undefined) continue;
    if (options.client === undefined) {
      context.wakeUp.hint('inbox');
      context.wakeUp.hint(`queue:${row.id}`);
    }
    return queueOf(context, changed);
  }
  throw new DaybookError('concurrent-change', `Others keep changing the queue "${name}".`);
}

/** All queues, by name. */
export async function listQueues(context: WriteContext): Promise<(Queue & { id: number })[]> {
  const { tenantId } = context;
  const rows = await context.database.run(findQueues, { tenantId, names: null });
  return rows.map((row) => ({ id: row.id, ...queueOf(context, row) }));
}

/** One queue. @throws DaybookError `queue-not-found` */
export async function getQueue(
  context: WriteContext,
  name: string,
): Promise<Queue & { id: number }> {
  const row = await readRow(context, name, {});
  return { id: row.id, ...queueOf(context, row) };
}

async function readRow(
  context: WriteContext,
  name: string,
  options: CommandOptions,
): Promise<QueueRow> {
  const { tenantId } = context;
  // What cannot be a name may hold what Postgres takes for no text at all.
  const names = isName(name) ? [name] : [];
  const [row] = await executorFor(context, options).run(findQueues, { tenantId, names });
  if (row === undefined) throw new DaybookError('queue-not-found', `There is no queue "${name}".`);
  return row;
}

function stateOf(row: QueueRow) {
  return {
    name: row.name,
    version: row.version,
    paused: row.paused,
    settings: row.settings,
    createdAtMs: row.created_at,
  };
}

function queueOf(context: WriteContext, row: QueueRow): Queue {
  return {
    name: row.name,
    paused: row.paused,
    settings: row.settings,
    createdAtMs: row.created_at,
    token: formatWriteToken({
      epoch: context.epoch(),
      streamId: row.stream_id,
      version: row.version,
    }),
  };
}
