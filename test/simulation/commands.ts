import type { JobCommand } from '../../src/domain/job/commands.ts';
import { decideJob } from '../../src/domain/job/decide.ts';
import type { RecordedJobEvent } from '../../src/domain/job/events.ts';
import { evolveJob } from '../../src/domain/job/evolve.ts';
import type { JobState } from '../../src/domain/job/state.ts';
import type { RejectionCode } from '../../src/domain/rejection.ts';
import type { Chance } from './chance.ts';
import { commitDecision, type Decision } from './model/commit-decision.ts';
import { type Completion, completeJobs } from './model/complete-jobs.ts';
import { nextJobEvent } from './model/job-events.ts';
import type { Transaction } from './model/transactions.ts';
import type { Link } from './server.ts';
import type { Steps } from './world.ts';

/** What became of a command; `unknown` where the answer was lost. */
export type Outcome =
  | { readonly code: 'kept'; readonly after: JobState }
  | { readonly code: RejectionCode | 'concurrent-change' | 'unknown'; readonly after: null };

type Change = Exclude<JobCommand, { kind: 'submit' | 'claim' | 'complete' | 'expire' }>;

/** Rounds of load, decide, commit. */
const ROUNDS = 8;

/** The write path of src/commands/change: load, let the domain decide, keep it if nothing has changed. */
export function* changeJob(
  link: Link,
  chance: Chance,
  id: string,
  command: Change,
): Steps<Outcome> {
  for (let round = 0; round < ROUNDS; round += 1) {
    const loaded = yield* link.call((tx) => load(tx, id));
    if (!loaded.answered) return unknown;
    const { state, atMs, fenced } = loaded.value;
    const meant = fenced ? command : withPresentToken(command, state);
    const decision = decideJob(state, meant, { nowMs: atMs, random: chance.next() });
    if (state === null || decision.rejection !== undefined) {
      return { code: decision.rejection?.code ?? 'job-not-found', after: null };
    }
    const decided = applied(state, decision.events, atMs);
    const kept = yield* link.call((tx) => commitDecision(tx, decided));
    if (!kept.answered) return unknown;
    if (kept.value) return { code: 'kept', after: decided.after };
  }
  return { code: 'concurrent-change', after: null };
}

/** The way of src/commands/work/complete-jobs: the statement first, and where it finds nothing the log. */
export function* completeJob(link: Link, completion: Completion): Steps<Outcome['code']> {
  const { id, leaseToken } = completion;
  for (let round = 0; round < ROUNDS; round += 1) {
    const recorded = yield* link.call((tx) => completeJobs(tx, [completion]));
    if (!recorded.answered) return 'unknown';
    if (recorded.value.has(id)) return 'kept';
    const loaded = yield* link.call((tx) => load(tx, id));
    if (!loaded.answered) return 'unknown';
    const command = { kind: 'complete', leaseToken } as const;
    const { rejection } = decideJob(loaded.value.state, command, { nowMs: 0, random: 0 });
    if (rejection !== undefined) return rejection.code;
  }
  return 'concurrent-change';
}

const unknown: Outcome = { code: 'unknown', after: null };

interface Loaded {
  readonly state: JobState | null;
  readonly atMs: number;
  /** False while the model is made to forget about tokens. */
  readonly fenced: boolean;
}

/** The fold of log and inbox, in one statement. */
// oxlint-disable-next-line require-yield -- a statement that waits for nothing
function* load({ snapshot, atMs, mutation }: Transaction, id: string): Steps<Loaded> {
  return { state: snapshot.jobs.get(id) ?? null, atMs, fenced: mutation !== 'fencing-off' };
}

function applied(
  before: JobState,
  events: readonly Parameters<typeof nextJobEvent>[2][],
  atMs: number,
): Decision {
  const recorded: RecordedJobEvent[] = [];
  let after = before;
  for (const event of events) {
    const next = nextJobEvent(after, atMs, event);
    recorded.push(next);
    after = evolveJob(after, next);
  }
  return { before, after, events: recorded };
}

function withPresentToken(command: Change, state: JobState | null): Change {
  const token = state?.lease?.token;
  return token === undefined || !('leaseToken' in command)
    ? command
    : { ...command, leaseToken: token };
}
