import type { EventType } from '../domain/event-types.ts';
import type { Client } from '../store/database.ts';
import type { RecordedEvent } from '../store/event-codec.ts';

/** A stretch of the log: every position above `after`, up to and with `upTo`. */
export interface PositionRange {
  readonly after: bigint;
  readonly upTo: bigint;
}

interface Named {
  /** `[a-z0-9-]`; names its checkpoint, its metrics and its tables. */
  readonly name: string;
  /**
   * Goes up whenever what it keeps has to be made anew from the log. The new version reads the log from
   * its first position beside the live one, and takes its place once it has caught up.
   */
  readonly version: number;
}

/** A table of a read model. */
export interface ReadModelTable {
  /** As readers know it: a view of this name stands over the table of the live build. */
  readonly name: string;
  /** The statements that make it. @param table its name with the schema @param prefix for constraints */
  create(table: string, prefix: string): readonly string[];
}

/** Where the tables of one build are. */
export interface ReadModelPlace {
  /** The quoted schema. */
  readonly schema: string;
  /** The table of this build, with the schema. @param name as in `ReadModelTable` */
  table(name: string): string;
}

/**
 * Keeps a read model by set-based SQL. What it writes is committed together with its checkpoint, so
 * every position counts exactly once.
 */
export interface Projection extends Named {
  readonly tables: readonly ReadModelTable[];
  /** At most once per so many ms is it written, once it has caught up; default 50. */
  readonly everyMs?: number;
  /** Run in this order for each range, with $1 = after and $2 = up to. */
  upkeep(place: ReadModelPlace): readonly string[];
}

/** What becomes of an event that a handler fails on, three times alone. */
export type PoisonPolicy =
  /** The consumer stops there until an operator resumes it. */
  | 'stop'
  /** It is put aside with every later event of its stream, until an operator retries or skips it. */
  | 'park'
  /** It is noted and left out. */
  | 'skip';

export interface HandlerContext {
  /** The transaction that moves the checkpoint: what is written here counts exactly once. */
  readonly client: Client;
  /** True for events that an earlier version has handled already: leave side effects out. */
  readonly replaying: boolean;
}

/** A consumer written in TypeScript: a projection of your own, or a reaction. */
export interface EventConsumer extends Named {
  /** Event types to be given; all when left out. */
  readonly types?: readonly EventType[];
  /** Where the first version begins: with the first event of the log (the default), or with the next. */
  readonly from?: 'beginning' | 'now';
  /** Default: stop. */
  readonly onPoison?: PoisonPolicy;
  /** Makes what it needs, once per build, in the transaction that makes its checkpoint. */
  prepare?(client: Client): Promise<void>;
  /** Handles events in the order of the log, at least one. Everything else in it may run twice. */
  handle(events: readonly RecordedEvent[], context: HandlerContext): Promise<void>;
}

export type Consumer = Projection | EventConsumer;

export function isProjection(consumer: Consumer): consumer is Projection {
  return 'upkeep' in consumer;
}
