import { decideJob } from '../../domain/job/decide.ts';
import type { JobCommand } from '../../domain/job/commands.ts';
import type { JobEvent, RecordedJobEvent } from '../../domain/job/events.ts';
import { elapsedMs } from '../../domain/job/elapsed.ts';
import { evolveJob } from '../../domain/job/evolve.ts';
import type { JobState } from '../../domain/job/state.ts';
import type { RejectionCode } from '../../domain/rejection.ts';
import { formatWriteToken } from '../../domain/write-token.ts';
import { invariant } from '../../kernel/invariant.ts';
import { codeOf, sqlState } from '../../store/sqlstate.ts';
import type { Executor } from '../../store/statement.ts';
import { commitDecisions } from '../../store/statements/commit-decisions.ts';
import { readUniqueHolders } from '../../store/statements/read-unique-holders.ts';
import { type Decided, decisionRowOf, eventRowsOf } from './decision-rows.ts';
import { type LoadedJob, loadJobs } from '../read/load-jobs.ts';
import { checkAsker } from '../check-asker.ts';
import { heldByOthers, withLockTimeout } from '../with-lock-timeout.ts';
import { type CommandOptions, executorFor, traced, type WriteContext } from '../write-context.ts';

export interface JobChange {
  readonly id: string;
  /** Births, claims, completions and expiries have ways of their own. */
  readonly command: Exclude<JobCommand, { kind: 'submit' | 'claim' | 'complete' | 'expire' }>;
  /** A new payload as JSON text, for an edit that brings one. */
  readonly payload?: string;
}

/** What became of a job that was changed. */
export interface JobChanged {
  readonly state: JobState;
  readonly token: string;
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
        readonly code: RejectionCode | 'unique-key-held' | 'key-busy' | 'concurrent-change';
        readonly detail: string;
      };
      /** The job as it is, where it exists. */
      readonly state: JobState | null;
    };

/** Rounds of load, decide, commit before a job that others keep changing is given up. */
const ROUNDS = 8;

/**
 * The write path: load the jobs, let the domain decide, keep each decision whose job has not changed
 * meanwhile; the others go round again. One outcome per change, in the order given; changes of the
 * same job are made one after the other.
 * @throws DaybookError `invalid-request` for a reason or an actor that cannot be kept;
 *   `concurrent-change` where another transaction holds one of the jobs: then none was changed by now
 */
export async function changeJobs(
  context: WriteContext,
  changes: readonly JobChange[],
  given: CommandOptions = {},
): Promise<ChangeOutcome[]> {
  const options = traced(context, given);
  for (const { command } of changes) checkAsker(options, command);
  const outcomes: (ChangeOutcome | undefined)[] = changes.map(() => undefined);
  for (let round = 1; ; round += 1) {
    const open = firstOfEach(changes, (index) => outcomes[index] === undefined);
    if (open.length === 0) break;
    const ids = open.map(({ id }) => id);
    const loaded = await loadJobs(executorFor(context, options), context.tenantId, ids);
    const decided = new Map<number, Decided>();
    for (const change of open) {
      const decision = decide(context, change, loaded.get(change.id));
      if ('rejection' in decision) outcomes[change.index] = decision.rejection;
      else decided.set(change.index, decision.decided);
    }
    const kept = await keep(context, [...decided.values()], options);
    for (const [index, each] of decided) outcomes[index] = kept.get(each.id);
    if (round < ROUNDS + changes.length) continue;
    for (const { id, index } of open) outcomes[index] ??= givenUp(id);
  }
  return outcomes.map((outcome) => {
    invariant(outcome !== undefined, 'every change has an outcome');
    return outcome;
  });
}

interface OpenChange extends JobChange {
  readonly index: number;
}

function firstOfEach(
  changes: readonly JobChange[],
  isOpen: (index: number) => boolean,
): OpenChange[] {
  const first = new Map<string, OpenChange>();
  for (const [index, change] of changes.entries()) {
    const id = change.id.toLowerCase();
    if (isOpen(index) && !first.has(id)) first.set(id, { ...change, id, index });
  }
  return [...first.values()];
}

/**
 * Commits decisions; the outcome of each that is settled, by id. A revival that takes a unique key
 * goes alone, and waits for another transaction no longer than a second.
 */
async function keep(
  context: WriteContext,
  decided: readonly Decided[],
  options: CommandOptions,
): Promise<ReadonlyMap<string, ChangeOutcome>> {
  const outcomes = new Map<string, ChangeOutcome>();
  const keyed = decided.filter(takesKey);
  const plain = decided.filter((each) => !takesKey(each));
  const kept = await commit(context, executorFor(context, options), plain, options).catch(
    (error: unknown) => {
      throw options.client === undefined ? heldByOthers(error) : error;
    },
  );
  for (const each of plain) if (kept.has(each.id)) outcomes.set(each.id, outcomeOf(each));
  for (const each of keyed) {
    const outcome = await keepKeyed(context, each, options);
    if (outcome !== undefined) outcomes.set(each.id, outcome);
  }
  return outcomes;
}

function takesKey({ before, after }: Decided): boolean {
  return before.status === 'dead' && after.status !== 'dead' && before.uniqueKey !== null;
}

async function keepKeyed(
  context: WriteContext,
  decided: Decided,
  options: CommandOptions,
): Promise<ChangeOutcome | undefined> {
  const { id, before } = decided;
  try {
    const kept = await withLockTimeout(context, options, (tx) =>
      commit(context, tx, [decided], options),
    );
    return kept.has(id) ? outcomeOf(decided) : await heldKey(context, decided, options);
  } catch (error) {
    if (codeOf(error) !== sqlState.lockNotAvailable) throw error;
    const detail = `Another transaction is about to take the unique key "${before.uniqueKey}".`;
    return { id, rejection: { code: 'key-busy', detail }, state: before };
  }
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
    jobType: state.type,
    tags: state.tags,
    elapsedMs: elapsedMs(state, event.type, occurredAtMs),
    actor: null,
    causation: null,
    correlation: state.correlation,
  };
}

async function commit(
  context: WriteContext,
  executor: Executor,
  decided: readonly Decided[],
  options: CommandOptions,
): Promise<ReadonlySet<string>> {
  if (decided.length === 0) return new Set();
  const queueIds = await context.names.queueIds(
    new Set(decided.flatMap(({ before, after }) => [before.queue, after.queue])),
  );
  const typeIds = await context.names.typeIds(new Set(decided.map(({ after }) => after.type)));
  const [row] = await executor.run(commitDecisions, {
    tenantId: context.tenantId,
    decisions: decided.map((each) => decisionRowOf(each, queueIds, typeIds)),
    events: decided.flatMap((each) => eventRowsOf(each, queueIds, typeIds)),
    actor: options.actor ?? null,
    causation: options.causation ?? null,
    isOwnTransaction: options.client === undefined,
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

/** The refusal of a revival whose key a live job holds; undefined if none does. */
async function heldKey(
  context: WriteContext,
  { id, before }: Decided,
  options: CommandOptions,
): Promise<ChangeOutcome | undefined> {
  const { tenantId } = context;
  const keys = [before.uniqueKey ?? ''];
  const [holder] = await executorFor(context, options).run(readUniqueHolders, { tenantId, keys });
  if (holder === undefined) return undefined;
  const detail = `The job ${holder.id} holds the unique key "${holder.unique_key}".`;
  return { id, rejection: { code: 'unique-key-held', detail }, state: before };
}

function outcomeOf({ id, after, events, epoch }: Decided): ChangeOutcome {
  const token = formatWriteToken({ epoch, streamId: id, version: after.version });
  return { id, state: after, token, events };
}

function givenUp(id: string): ChangeOutcome {
  const detail = 'Others changed the job each time it was to be changed.';
  return { id, rejection: { code: 'concurrent-change', detail }, state: null };
}
