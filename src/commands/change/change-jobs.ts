import { decideJob } from '../../domain/job/decide.ts';
import type { JobCommand } from '../../domain/job/commands.ts';
import type { JobEvent, RecordedJobEvent } from '../../domain/job/events.ts';
import { evolveJob } from '../../domain/job/evolve.ts';
import type { JobState } from '../../domain/job/state.ts';
import type { RejectionCode } from '../../domain/rejection.ts';
import { formatWriteToken } from '../../domain/write-token.ts';
import { invariant } from '../../kernel/invariant.ts';
import { commitDecisions } from '../../store/statements/commit-decisions.ts';
import { readUniqueHolders } from '../../store/statements/read-unique-holders.ts';
import { type Decided, decisionRowOf, eventRowsOf } from './decision-rows.ts';
import { type LoadedJob, loadJobs } from '../read/load-jobs.ts';
import { type CommandOptions, executorFor, type WriteContext } from '../write-context.ts';

export interface JobChange {
  readonly id: string;
  readonly command: JobCommand;
  /** A new payload as JSON text, for an edit that brings one. */
  readonly payload?: string;
}

/** What became of one change: kept, with the job as it is now, or why not. */
export type ChangeOutcome =
  | {
      readonly id: string;
      readonly state: JobState;
      readonly token: string;
      readonly events: readonly JobEvent[];
      readonly rejection?: never;
    }
  | {
      readonly id: string;
      readonly rejection: {
        readonly code: RejectionCode | 'unique-key-held' | 'concurrent-change';
        readonly detail: string;
      };
      /** The job as it is, where it exists. */
      readonly state: JobState | null;
    };

/** Rounds of load, decide, commit before a job that others keep changing is given up. */
const ROUNDS = 8;

/**
 * The write path: load the jobs, let the domain decide, keep each decision whose job has not changed
 * meanwhile; the others go round again. One outcome per change, in the order given.
 * At most one change per job at a time.
 */
export async function changeJobs(
  context: WriteContext,
  changes: readonly JobChange[],
  options: CommandOptions = {},
): Promise<ChangeOutcome[]> {
  const executor = executorFor(context, options);
  const outcomes = new Map<string, ChangeOutcome>();
  let open = changes.map((change) => ({ ...change, id: change.id.toLowerCase() }));
  for (let round = 1; open.length > 0; round += 1) {
    const loaded = await loadJobs(
      executor,
      context.tenantId,
      open.map(({ id }) => id),
    );
    const decided: Decided[] = [];
    for (const change of open) {
      const decision = decide(context, change, loaded.get(change.id));
      if ('rejection' in decision) outcomes.set(change.id, decision.rejection);
      else decided.push(decision.decided);
    }
    const kept = await commit(context, decided, options);
    for (const each of decided) if (kept.has(each.id)) outcomes.set(each.id, outcomeOf(each));
    const lost = decided.filter(({ id }) => !kept.has(id));
    for (const outcome of await heldKeys(context, lost, options)) outcomes.set(outcome.id, outcome);
    open = open.filter(({ id }) => !outcomes.has(id));
    if (round === ROUNDS) for (const { id } of open) outcomes.set(id, givenUp(id));
    open = open.filter(({ id }) => !outcomes.has(id));
  }
  return changes.map(({ id }) => {
    const outcome = outcomes.get(id.toLowerCase());
    invariant(outcome !== undefined, 'every change has an outcome');
    return outcome;
  });
}

function decide(
  context: WriteContext,
  change: JobChange,
  job: LoadedJob | undefined,
): { readonly decided: Decided } | { readonly rejection: ChangeOutcome } {
  const { id, command, payload = null } = change;
  const before = job?.state ?? null;
  const nowMs = job?.readAtMs ?? 0;
  const decision = decideJob(before, command, { nowMs, random: context.random() });
  if (decision.rejection !== undefined || job === undefined || before === null) {
    const rejection = decision.rejection ?? {
      code: 'job-not-found' as const,
      detail: 'No such job.',
    };
    return { rejection: { id, rejection, state: before } };
  }
  // The reading's time can lie a hair before the last event's, whose statement began earlier but
  // committed in between; a stream's times never run backwards.
  const atMs = Math.max(nowMs, job.events.at(-1)?.occurredAtMs ?? 0);
  let after = before;
  for (const event of decision.events) {
    after = evolveJob(after, recordedAs(event, after, atMs, job.epoch));
  }
  return {
    decided: { id, before, after, events: decision.events, atMs, epoch: job.epoch, payload },
  };
}

function recordedAs(
  event: JobEvent,
  state: JobState,
  occurredAtMs: number,
  epoch: number,
): RecordedJobEvent {
  return {
    ...event,
    streamId: state.id,
    version: state.version + 1,
    position: null,
    epoch,
    schemaVersion: 1,
    occurredAtMs,
    queue: event.type === 'JobMoved' ? event.data.to : state.queue,
    actor: null,
    causation: null,
    correlation: state.correlation,
  };
}

async function commit(
  context: WriteContext,
  decided: readonly Decided[],
  options: CommandOptions,
): Promise<ReadonlySet<string>> {
  if (decided.length === 0) return new Set();
  const queueIds = await context.names.queueIds(
    new Set(decided.flatMap(({ before, after }) => [before.queue, after.queue])),
  );
  const typeIds = await context.names.typeIds(new Set(decided.map(({ after }) => after.type)));
  const [row] = await executorFor(context, options).run(commitDecisions, {
    tenantId: context.tenantId,
    decisions: decided.map((each) => decisionRowOf(each, queueIds, typeIds)),
    events: decided.flatMap((each) => eventRowsOf(each, queueIds)),
    actor: options.actor ?? null,
    causation: options.causation ?? null,
    orRaise: false,
  });
  const kept = new Set(row?.kept);
  if (options.client === undefined && kept.size > 0) announce(context, decided, kept, queueIds);
  return kept;
}

function announce(
  context: WriteContext,
  decided: readonly Decided[],
  kept: ReadonlySet<string>,
  queueIds: ReadonlyMap<string, number>,
): void {
  context.wakeUp.hint('inbox');
  for (const { id, before, after } of decided) {
    if (!kept.has(id)) continue;
    const queueId = queueIds.get(after.queue);
    if (after.status === 'waiting' && queueId !== undefined) {
      context.wakeUp.hint(`queue:${queueId}`);
    }
    if (after.cancelRequested !== null && before.cancelRequested === null) {
      context.wakeUp.hint('cancel');
    }
    if (after.status === 'cancelled') {
      context.observer.cancelled({ queue: after.queue, type: after.type });
    }
  }
}

/** A revival that was not kept may have met a held unique key: that one is not tried again. */
async function heldKeys(
  context: WriteContext,
  lost: readonly Decided[],
  options: CommandOptions,
): Promise<ChangeOutcome[]> {
  const revivals = lost.filter(({ before }) => before.status === 'dead');
  const keys = revivals.flatMap(({ before }) => before.uniqueKey ?? []);
  if (keys.length === 0) return [];
  const { tenantId } = context;
  const holders = await executorFor(context, options).run(readUniqueHolders, { tenantId, keys });
  return revivals.flatMap(({ id, before }): ChangeOutcome[] => {
    const holder = holders.find((each) => each.unique_key === before.uniqueKey);
    if (holder === undefined) return [];
    const detail = `The job ${holder.id} holds the unique key "${holder.unique_key}".`;
    return [{ id, rejection: { code: 'unique-key-held', detail }, state: before }];
  });
}

function outcomeOf({ id, after, events, epoch }: Decided): ChangeOutcome {
  const token = formatWriteToken({ epoch, streamId: id, version: after.version });
  return { id, state: after, token, events };
}

function givenUp(id: string): ChangeOutcome {
  const detail = 'Others changed the job each time it was to be changed.';
  return { id, rejection: { code: 'concurrent-change', detail }, state: null };
}
