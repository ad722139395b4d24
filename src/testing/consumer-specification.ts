import { deepStrictEqual } from 'node:assert/strict';
import { inspect } from 'node:util';
import type { EventConsumer } from '../consumers/consumer.ts';
import type { Recorded } from '../domain/recorded.ts';
import type { EventType } from '../domain/event-types.ts';
import type { Client } from '../store/database.ts';
import type { RecordedEvent } from '../store/event-codec.ts';
import { recordEvents } from './given-when-then.ts';

/** What a handler asked its client for: the text with its white space evened out, and the values. */
export interface ClientQuery {
  readonly text: string;
  readonly values: readonly unknown[];
}

/** An event as a test writes it: what is left out is as `recordEvents` has it. */
export interface GivenEvent extends Partial<Recorded> {
  readonly type: EventType;
  readonly data: unknown;
}

export interface WhenHandled {
  /** Exactly these queries were made for them, in this order. */
  then(expected: readonly ClientQuery[]): Promise<void>;
  /** The handler refused them: what its policy says would follow. */
  thenThrows(message: string | RegExp): Promise<void>;
}

/** Handles the events as one batch. */
export type WhenEvents = (...events: readonly GivenEvent[]) => WhenHandled;

/**
 * Given/when/then for a consumer of your own, without a database:
 * `await specificationForConsumer(consumer)([submitted]).when(completed).then([{ text, values }])`.
 * The given events are handled first. The client answers every query with no rows, unless `answer`
 * says otherwise; events of types that the consumer does not want are left out, as they would be.
 */
export function specificationForConsumer(
  consumer: EventConsumer,
  answer: (query: ClientQuery) => readonly unknown[] = () => [],
): (events: readonly GivenEvent[]) => { readonly when: WhenEvents } {
  return (history) => ({
    when: (...events) => {
      const handled = handle(consumer, answer, history, events);
      // A refusal is looked at by `then` or `thenThrows`; until then it is nobody's.
      handled.catch(() => undefined);
      const story = storyOf(consumer, history, events);
      return {
        // oxlint-disable-next-line unicorn/no-thenable -- the style is named given/when/then
        async then(expected) {
          assertSame(await handled, expected, `${story}: other queries were made.`);
        },
        async thenThrows(message) {
          const error: unknown = await handled.then(
            () => null,
            (reason: unknown) => reason,
          );
          const text = error instanceof Error ? error.message : String(error);
          if (error === null) throw new Error(`${story}: handled, and not refused.`);
          if (typeof message === 'string' ? text.includes(message) : message.test(text)) return;
          throw new Error(`${story}: refused with "${text}".`, { cause: error });
        },
      };
    },
  });
}

async function handle(
  consumer: EventConsumer,
  answer: (query: ClientQuery) => readonly unknown[],
  history: readonly GivenEvent[],
  events: readonly GivenEvent[],
): Promise<ClientQuery[]> {
  const queries: ClientQuery[] = [];
  const client = recordingClient(queries, answer);
  const recorded = recordEvents([...history, ...events]) as unknown as RecordedEvent[];
  const positioned = recorded.map((event, index) => ({
    ...event,
    position: event.position ?? BigInt(index + 1),
  })) as RecordedEvent[];
  const wanted = (event: RecordedEvent) => consumer.types?.includes(event.type) ?? true;
  const before = positioned.slice(0, history.length).filter(wanted);
  const now = positioned.slice(history.length).filter(wanted);
  if (before.length > 0) await consumer.handle(before, { client, replaying: false });
  queries.length = 0;
  if (now.length > 0) await consumer.handle(now, { client, replaying: false });
  return queries;
}

function recordingClient(
  queries: ClientQuery[],
  answer: (query: ClientQuery) => readonly unknown[],
): Client {
  const query = (given: string | { text: string; values?: unknown[] }, values: unknown[] = []) => {
    const { text, values: inside = values } = typeof given === 'string' ? { text: given } : given;
    const asked = { text: text.replace(/\s+/g, ' ').trim(), values: inside };
    queries.push(asked);
    const rows = answer(asked);
    return Promise.resolve({ rows, rowCount: rows.length });
  };
  return { query } as unknown as Client;
}

function storyOf(
  { name }: EventConsumer,
  history: readonly GivenEvent[],
  events: readonly GivenEvent[],
): string {
  const types = (list: readonly GivenEvent[]) => list.map(({ type }) => type).join(', ');
  return `Given ${types(history) || 'nothing'}; when ${name} gets ${types(events)}`;
}

function assertSame(actual: unknown, expected: unknown, headline: string): void {
  try {
    deepStrictEqual(actual, expected);
  } catch (cause) {
    throw new Error(`${headline}\n${inspect(actual, { depth: null })}`, { cause });
  }
}
