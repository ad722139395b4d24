import fc from 'fast-check';
import type { JobCommand } from '../../../src/domain/job/commands.ts';
import { decideJob } from '../../../src/domain/job/decide.ts';
import type { JobEvent, RecordedJobEvent } from '../../../src/domain/job/events.ts';
import { evolveJob } from '../../../src/domain/job/evolve.ts';
import type { JobState } from '../../../src/domain/job/state.ts';
import type { Decision } from '../../../src/domain/rejection.ts';
import { occurredAtMs, recordEvents } from '../../../src/testing/given-when-then.ts';
import { type Step, steps } from './job-steps.ts';

/** What became of a step. */
export interface Turn {
  readonly command: JobCommand;
  readonly nowMs: number;
  readonly before: JobState | null;
  readonly decision: Decision<JobEvent>;
  readonly recorded: readonly RecordedJobEvent[];
  readonly after: JobState | null;
}

/** Plays the steps on one job: decides each, records what it gave, and folds it. */
export function walk(walked: readonly Step[]): Turn[] {
  const turns: Turn[] = [];
  const used: string[] = [];
  let state: JobState | null = null;
  let nowMs = occurredAtMs(1);
  for (const { advanceMs, random, command: told } of walked) {
    nowMs += advanceMs;
    const command = resolve(told, state, used);
    const decision = decideJob(state, command, { nowMs, random });
    const before: JobState | null = state;
    const recorded = recordAt(decision.events ?? [], before, command, nowMs);
    for (const event of recorded) state = evolveJob(state, event);
    if (command.kind === 'claim' && recorded.length > 0) used.push(command.leaseToken);
    turns.push({ command, nowMs, before, decision, recorded, after: state });
  }
  return turns;
}

/** The stream that a walk has written. */
export function streamOf(turns: readonly Turn[]): RecordedJobEvent[] {
  return turns.flatMap((turn) => turn.recorded);
}

/** The states that a stream goes through; the n-th is the one after version n. */
export function statesOf(stream: readonly RecordedJobEvent[]): JobState[] {
  const states: JobState[] = [];
  for (const event of stream) states.push(evolveJob(states.at(-1) ?? null, event));
  return states;
}

/** Checks what must hold of every random walk. */
export function always(check: (turns: readonly Turn[]) => void): void {
  fc.assert(
    fc.property(steps, (walked) => check(walk(walked))),
    { numRuns: 300 },
  );
}

function recordAt(
  events: readonly JobEvent[],
  state: JobState | null,
  command: JobCommand,
  nowMs: number,
): RecordedJobEvent[] {
  const submittedTo = command.kind === 'submit' ? command.queue : 'default';
  const queue = state?.queue ?? submittedTo;
  const plain = recordEvents(events, (state?.version ?? 0) + 1);
  return plain.map((event) => ({ ...event, occurredAtMs: nowMs, queue }));
}

function resolve(told: JobCommand, state: JobState | null, used: readonly string[]): JobCommand {
  switch (told.kind) {
    case 'claim':
      return { ...told, leaseToken: `token-${used.length + 1}` };
    case 'complete':
    case 'fail':
    case 'snooze':
    case 'release': {
      const present = state?.lease?.token ?? used.at(-1) ?? 'token-0';
      const filled = { '@present': present, '@earlier': used.at(-2) ?? 'token-0' };
      const placeholder = told.leaseToken as keyof typeof filled;
      return { ...told, leaseToken: filled[placeholder] ?? 'token-of-a-stranger' };
    }
    default:
      return told;
  }
}
