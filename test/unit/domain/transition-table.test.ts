import { describe, expect, it } from 'vitest';
import type { JobCommand, JobCommandKind } from '../../../src/domain/job/commands.ts';
import { decideJob } from '../../../src/domain/job/decide.ts';
import type { JobEvent } from '../../../src/domain/job/events.ts';
import { foldJob } from '../../../src/domain/job/evolve.ts';
import { legalCommands, type TableState } from '../../../src/domain/job/transitions.ts';
import { recordEvents } from '../../../src/testing/given-when-then.ts';
import {
  cancel,
  cancelled,
  cancelledJob,
  cancelRequested,
  claim,
  claimed,
  complete,
  completedJob,
  deadJob,
  edit,
  erase,
  expire,
  expired,
  fail,
  failed,
  move,
  release,
  released,
  reschedule,
  retried,
  retry,
  revived,
  running,
  snooze,
  snoozed,
  submit,
  submitted,
  token,
} from './job-fixtures.ts';

/** A token that no history below has ended a claim with. */
const held = 'token-held';

const commands: Readonly<Record<JobCommandKind, JobCommand>> = {
  submit,
  claim: claim(held),
  complete: complete(held),
  fail: fail({ leaseToken: held }),
  snooze: snooze(1_000, held),
  release: release(held),
  expire: expire(true),
  cancel: cancel(),
  retry: retry(),
  reschedule: reschedule(5),
  edit: edit({ priority: 0 }),
  move: move('elsewhere'),
  'erase-payload': erase(),
};

/** Several ways into each state: the table must hold whichever way a job came. */
const histories: Readonly<Record<TableState, Readonly<Record<string, readonly JobEvent[]>>>> = {
  unborn: { 'never submitted': [] },
  waiting: {
    fresh: [submitted()],
    retrying: [...running, failed(), retried(0)],
    snoozed: [...running, snoozed(0)],
    released: [...running, released],
    'a suspect': [...running, expired],
    revived: [...deadJob, revived(0, 10)],
  },
  running: {
    'for the first time': [submitted(), claimed(1, held)],
    'for the second time': [...running, failed(), retried(0), claimed(2, held)],
    'as a suspect': [...running, expired, claimed(1, held)],
  },
  completed: { 'at once': completedJob },
  dead: { 'not retryable': deadJob },
  cancelled: {
    'before it ran': cancelledJob,
    'while it ran': [...running, cancelRequested(), released, cancelled()],
  },
};

const illegal = 'illegal-transition';
const nothingRuns = {
  complete: 'lease-lost',
  fail: 'lease-lost',
  snooze: 'lease-lost',
  release: 'lease-lost',
  expire: illegal,
} as const;
const hasEnded = {
  ...nothingRuns,
  submit: 'already-recorded',
  claim: illegal,
  cancel: illegal,
  retry: illegal,
  reschedule: illegal,
  edit: illegal,
  move: illegal,
  'erase-payload': 'PayloadErased',
} as const;

/** What comes of every pair: the types of the events, or the code of the rejection. */
const table: Readonly<Record<TableState, Readonly<Record<JobCommandKind, string>>>> = {
  unborn: {
    submit: 'JobSubmitted',
    claim: 'job-not-found',
    complete: 'job-not-found',
    fail: 'job-not-found',
    snooze: 'job-not-found',
    release: 'job-not-found',
    expire: 'job-not-found',
    cancel: 'job-not-found',
    retry: 'job-not-found',
    reschedule: 'job-not-found',
    edit: 'job-not-found',
    move: 'job-not-found',
    'erase-payload': 'job-not-found',
  },
  waiting: {
    ...nothingRuns,
    submit: 'already-recorded',
    claim: 'JobClaimed',
    cancel: 'JobCancelled',
    retry: 'JobRetried',
    reschedule: 'JobRescheduled',
    edit: 'JobEdited',
    move: 'JobMoved',
    'erase-payload': 'PayloadErased',
  },
  running: {
    submit: 'already-recorded',
    claim: illegal,
    complete: 'JobCompleted',
    fail: 'JobFailed JobRetried',
    snooze: 'JobSnoozed',
    release: 'JobInterrupted',
    expire: 'JobInterrupted',
    cancel: 'JobCancelRequested',
    retry: illegal,
    reschedule: illegal,
    edit: illegal,
    move: illegal,
    'erase-payload': illegal,
  },
  completed: hasEnded,
  dead: { ...hasEnded, retry: 'JobRetried' },
  cancelled: hasEnded,
};

const states = Object.keys(table) as TableState[];
const kinds = Object.keys(commands) as JobCommandKind[];
const pairs = states.flatMap((state) =>
  Object.entries(histories[state]).flatMap(([way, history]) =>
    kinds.map((kind) => ({ state, way, kind, history, comes: table[state][kind] })),
  ),
);

function whatComes(history: readonly JobEvent[], command: JobCommand): string {
  const context = { nowMs: Date.UTC(2030, 0, 1), random: 0.5 };
  const decision = decideJob(foldJob(recordEvents(history)), command, context);
  if (decision.rejection !== undefined) return decision.rejection.code;
  return decision.events.map((event) => event.type).join(' ');
}

describe('every command in every state', () => {
  it.each(pairs)('$state ($way) $kind -> $comes', ({ history, kind, comes }) => {
    expect(whatComes(history, commands[kind])).toBe(comes);
  });

  it('finds each history in the state it stands for', () => {
    for (const state of states) {
      for (const history of Object.values(histories[state])) {
        expect(foldJob(recordEvents(history))?.status ?? 'unborn').toBe(state);
      }
    }
  });
});

describe('the table of legal commands', () => {
  it.each(states)('says for %s what decide does', (state) => {
    const accepted = kinds.filter((kind) => /^(Job|Payload)[A-Z]/.test(table[state][kind]));
    expect(legalCommands[state].toSorted()).toStrictEqual(accepted.toSorted());
  });

  it('names no state and no command that does not exist', () => {
    expect(Object.keys(legalCommands).toSorted()).toStrictEqual(states.toSorted());
    const named = new Set(Object.values(legalCommands).flat());
    expect([...named].toSorted()).toStrictEqual(kinds.toSorted());
  });
});

describe('a rejection', () => {
  it('says in one sentence what stands in the way', () => {
    const context = { nowMs: 0, random: 0 };
    const dead = decideJob(foldJob(recordEvents(deadJob)), commands.move, context);
    expect(dead.rejection?.detail).toBe('A job that is dead does not accept move.');
    const stale = decideJob(foldJob(recordEvents(running)), complete(`not-${token}`), context);
    expect(stale.rejection?.detail).toMatch(/lease token/);
  });
});
