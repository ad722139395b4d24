import type { RecordedEvent } from '../../../src/domain/event-types.ts';
import type { RecordedJobEvent } from '../../../src/domain/job/events.ts';
import { evolveJob } from '../../../src/domain/job/evolve.ts';
import { type Steps, until, type World } from '../world.ts';
import type { Mutation } from './mutations.ts';
import { copyOf, emptyTables, type LogRow, type Tables } from './tables.ts';

/**
 * FOR KEY SHARE, FOR NO KEY UPDATE (and updates), FOR UPDATE (and deletes); `mark` waits for nobody, and
 * lets those wait who come to insert.
 */
type LockMode = 'key-share' | 'no-key-update' | 'update' | 'mark';

/** A transaction of one statement, at READ COMMITTED. */
export interface Transaction {
  /** statement_timestamp(), in ms. */
  readonly atMs: number;
  /** What was committed when the statement began. */
  readonly snapshot: Tables;
  /** pg_snapshot_xmin of that moment. */
  readonly xmin: number;
  /** What is committed now: what a row is found to be once it is locked. */
  readonly now: Tables;
  readonly mutation: Mutation | null;
  /** Waits for a lock, and has it until the end; true. With `skip` false at once where it is held. */
  lock(name: string, mode: LockMode, skip?: 'skip'): Steps<boolean>;
  /** Draws the next numbers of the inbox, in this order; the rows are visible once it commits. */
  append(events: readonly RecordedEvent[]): void;
  /** pg_current_xact_id() */
  xid(): number;
  /** Done at commit, together with all else. */
  onCommit(effect: (tables: Tables) => void): void;
}

interface OpenTransaction extends Transaction {
  end(committed: boolean): void;
}

/** The committed state, and the transactions under way. */
export interface Model {
  readonly tables: Tables;
  /** The table `events`. */
  readonly log: LogRow[];
  begin(): OpenTransaction;
  /** Draws an id; the same run draws the same ones. */
  newId(): string;
}

export function createModel(world: World, mutation: Mutation | null): Model {
  let tables = emptyTables();
  const log: LogRow[] = [];
  const locks = createLocks();
  const inProgress = new Set<number>();
  let lastXid = 0;
  let lastSeq = 0;
  let lastId = 0;

  const begin = (): OpenTransaction => {
    const effects: ((all: Tables) => void)[] = [];
    let own: number | null = null;
    let ended = false;
    const holder = {};
    const xid = () => {
      if (own === null) {
        own = lastXid += 1;
        inProgress.add(own);
      }
      return own;
    };
    return {
      atMs: world.nowMs,
      snapshot: tables,
      xmin: Math.min(lastXid + 1, ...inProgress),
      get now() {
        return tables;
      },
      mutation,
      *lock(name, mode, skip) {
        while (!locks.take(holder, name, mode)) {
          if (skip !== undefined) return false;
          yield* until((done) => locks.whenFree(name, () => done(undefined)));
        }
        xid();
        return true;
      },
      append(events) {
        // The id comes before the numbers, as in the statements: the row that is changed draws it.
        xid();
        for (const event of events) {
          const seq = (lastSeq += 1);
          effects.push((all) => {
            all.inbox.set(seq, { seq, event });
            fold(all, event);
          });
        }
      },
      xid,
      onCommit: (effect) => void effects.push(effect),
      end(committed) {
        if (ended) return;
        ended = true;
        if (committed && effects.length > 0) {
          // Snapshots keep what they saw.
          tables = copyOf(tables);
          for (const effect of effects) effect(tables);
        }
        if (own !== null) inProgress.delete(own);
        locks.free(holder);
      },
    };
  };
  return {
    get tables() {
      return tables;
    },
    log,
    begin,
    newId() {
      lastId += 1;
      return `00000000-0000-7000-8000-${lastId.toString(16).padStart(12, '0')}`;
    },
  };
}

function fold({ jobs }: Tables, event: RecordedEvent): void {
  if (event.type.startsWith('Queue')) return;
  const { streamId } = event;
  try {
    jobs.set(streamId, evolveJob(jobs.get(streamId) ?? null, event as RecordedJobEvent));
  } catch {
    // Only a model with a guard taken out writes such a stream; the auditor says so.
  }
}

interface HeldLock {
  readonly holder: object;
  readonly mode: LockMode;
}

function createLocks() {
  const held = new Map<string, HeldLock[]>();
  const waiting = new Map<string, (() => void)[]>();

  return {
    /** Takes a lock, unless another holder has one that excludes it. */
    take(holder: object, name: string, mode: LockMode): boolean {
      const locks = held.get(name) ?? [];
      const isExcluded = locks.some((each) => each.holder !== holder && excludes(each.mode, mode));
      if (isExcluded) return false;
      held.set(name, [...locks, { holder, mode }]);
      return true;
    },
    whenFree(name: string, callback: () => void): void {
      waiting.set(name, [...(waiting.get(name) ?? []), callback]);
    },
    free(holder: object): void {
      for (const [name, locks] of held) {
        const left = locks.filter((each) => each.holder !== holder);
        if (left.length === locks.length) continue;
        if (left.length === 0) held.delete(name);
        else held.set(name, left);
        const told = waiting.get(name) ?? [];
        waiting.delete(name);
        for (const callback of told) callback();
      }
    },
  };
}

function excludes(held: LockMode, wanted: LockMode): boolean {
  if (wanted === 'mark') return false;
  if (held === 'mark' || held === 'update' || wanted === 'update') return true;
  return held === 'no-key-update' && wanted === 'no-key-update';
}
