import { deepStrictEqual } from 'node:assert';
import { inspect } from 'node:util';
import type { DecisionContext } from '../domain/job/commands.ts';
import { decideJob } from '../domain/job/decide.ts';
import { evolveJob } from '../domain/job/evolve.ts';
import type { Recorded } from '../domain/recorded.ts';

/** Anything that can be told apart by a type: a job's event, or one of your own. */
export interface TypedEvent {
  readonly type: string;
}

/** What a decider may answer; Daybook's own `Decision` is one of these. */
export type Answer<Event, Code extends string> =
  | { readonly events: readonly Event[]; readonly rejection?: never }
  | {
      readonly rejection: { readonly code: Code; readonly detail: string };
      readonly events?: never;
    };

/** The two pure functions that make an aggregate. The state is null before the first event. */
export interface Decider<State, Command, Event extends TypedEvent, Code extends string> {
  readonly decide: (
    state: State | null,
    command: Command,
    context: DecisionContext,
  ) => Answer<Event, Code>;
  readonly evolve: (state: State | null, event: Event & Recorded) => State;
}

/** The history is set; `when` decides a command upon it. */
export interface Given<Command, Event, Code extends string> {
  /**
   * @param context what differs from the usual: the time is one second after the last given event,
   *   and `random` is 0.5, which adds no jitter
   */
  when(command: Command, context?: Partial<DecisionContext>): When<Event, Code>;
}

/** The command is decided; one of these says what must have come out. Both throw a plain Error. */
export interface When<Event, Code extends string> {
  /** Exactly these events were decided, and they fold onto the given ones. */
  then(expected: readonly Event[]): void;
  /** The command was refused with this code. */
  thenRejected(code: Code): void;
}

/** The stream of every given event: a UUIDv7 of the moment at which the first one occurs. */
export const givenStreamId = '019b76da-a800-7000-8000-000000000001';

/** When the event of this version occurs in a given history: one second apart, from 2026-01-01Z. */
export function occurredAtMs(version: number): number {
  return Date.UTC(2026, 0, 1) + (version - 1) * 1_000;
}

/** Plain events as they would stand in the log, all in one stream of the queue `default`. */
export function recordEvents<Event extends TypedEvent>(
  events: readonly Event[],
  firstVersion = 1,
): (Event & Recorded)[] {
  return events.map((event, index) => ({
    streamId: givenStreamId,
    version: firstVersion + index,
    position: null,
    epoch: 1,
    schemaVersion: 1,
    occurredAtMs: occurredAtMs(firstVersion + index),
    queue: 'default',
    jobType: 'x',
    tags: [],
    elapsedMs: null,
    actor: null,
    causation: null,
    correlation: null,
    ...event,
  }));
}

/**
 * Given/when/then for a decider of your own, in any test runner:
 * `specificationFor({ decide, evolve })(events).when(command).then(expectedEvents)`.
 */
export function specificationFor<State, Command, Event extends TypedEvent, Code extends string>(
  decider: Decider<State, Command, Event, Code>,
): (events: readonly Event[]) => Given<Command, Event, Code> {
  return (history) => {
    const state = foldOnto(decider, null, recordEvents(history));
    const usual = { nowMs: occurredAtMs(history.length + 1), random: 0.5 };
    return {
      when(command, context = {}) {
        const answer = decider.decide(state, command, { ...usual, ...context });
        const story = storyOf(history, command);
        return {
          // oxlint-disable-next-line unicorn/no-thenable -- the style is named given/when/then
          then(expected) {
            if (answer.rejection !== undefined) throw new Error(refused(story, answer.rejection));
            assertSame(answer.events, expected, `${story}: other events came out.`);
            foldOnto(decider, state, recordEvents(answer.events, history.length + 1));
          },
          thenRejected(code) {
            if (answer.rejection === undefined) {
              const events = inspect(answer.events, { depth: null });
              throw new Error(`${story}: accepted, not refused with '${code}'.\n${events}`);
            }
            if (answer.rejection.code === code) return;
            throw new Error(`${refused(story, answer.rejection)} Expected was '${code}'.`);
          },
        };
      },
    };
  };
}

/**
 * Given/when/then for a job: `given([submitted]).when({ kind: 'claim', ... }).then([claimed])`.
 * @param events what happened to the job so far, from `JobSubmitted` on; none for an unborn job
 * @throws Error when the events are no stream that a job could have
 */
export const given = specificationFor({ decide: decideJob, evolve: evolveJob });

function foldOnto<State, Command, Event extends TypedEvent, Code extends string>(
  decider: Decider<State, Command, Event, Code>,
  start: State | null,
  events: readonly (Event & Recorded)[],
): State | null {
  return events.reduce<State | null>((state, event) => decider.evolve(state, event), start);
}

function storyOf(history: readonly TypedEvent[], command: unknown): string {
  const types = history.map((event) => event.type).join(', ') || 'nothing';
  return `Given ${types}; when ${inspect(command, { depth: null, breakLength: Infinity })}`;
}

function refused(story: string, rejection: { code: string; detail: string }): string {
  return `${story}: refused with '${rejection.code}' (${rejection.detail})`;
}

function assertSame(actual: unknown, expected: unknown, headline: string): void {
  try {
    deepStrictEqual(actual, expected);
  } catch (cause) {
    // A plain Error, because test runners show their own diff for an AssertionError, not this text.
    const diff = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`${headline} (+ decided, - expected)\n${diff}`, { cause });
  }
}
