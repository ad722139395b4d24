import { createSequencer, type SequencerOptions } from '../../../src/store/sequencer.ts';
import { silentObserver } from '../../../src/kernel/observer.ts';
import type { Service } from '../../../src/kernel/service.ts';
import type { Database } from '../../../src/store/database.ts';
import type { Executor } from '../../../src/store/statement.ts';
import type { SequencedRow } from '../../../src/store/statements/sequence-inbox.ts';
import type { WakeTopic } from '../../../src/store/wake-up.ts';
import { createFakeClock, type FakeClock } from '../../../src/testing/fake-clock.ts';

type Asked = readonly [statement: string, params: Readonly<Record<string, unknown>>];

/** A log that is told what to answer, and tells what it was asked. */
export interface ScriptedLog {
  readonly executor: Executor;
  /** Every statement so far, by name. */
  readonly asked: Asked[];
  /** The head, as every reader sees it. */
  head: { tick: bigint; position: bigint; span: bigint; made: bigint } | null;
  /** Whether the duty can be had. */
  free: boolean;
  /** Of the next batches; `fail` throws. None left: the inbox is empty. */
  readonly batches: (Partial<SequencedRow> | 'no head' | 'fail')[];
  /** The names of statements asked for since the last time, and forgets them. */
  since(): string[];
}

export function createScriptedLog(): ScriptedLog {
  const asked: Asked[] = [];
  const log: ScriptedLog = {
    asked,
    head: { tick: 3n, position: 0n, span: 65_536n, made: 131_072n },
    free: true,
    batches: [],
    since: () => asked.splice(0).map(([statement]) => statement),
    executor: {
      run: (statement, params) => {
        asked.push([statement.name, params as Asked[1]]);
        return Promise.resolve(answer(log, statement.name, params as Asked[1]) as never[]);
      },
    },
  };
  return log;
}

const server = { system_identifier: '1', timeline: 1, in_recovery: false, has_head: true };

function answer(log: ScriptedLog, statement: string, params: Asked[1]): object[] {
  const { head } = log;
  switch (statement) {
    case 'take-duty':
      return log.free ? [{ held_until: 0 }] : [];
    case 'read-server':
      return [{ ...server, known_identifier: '1', known_timeline: 1 }];
    case 'read-head':
      return head === null ? [] : [{ ...head, partitions_until: head.made }];
    case 'add-partition':
      if (head !== null) head.made = ((params['k'] as bigint) + 1n) * head.span;
      return [];
    case 'sequence-inbox':
      return sequenced(log);
    default:
      return [];
  }
}

function sequenced({ batches, head }: ScriptedLog): object[] {
  const batch = batches.shift() ?? {};
  if (batch === 'fail') throw new Error('it failed');
  if (batch === 'no head' || head === null) return [];
  const { moved = 0, tick = head.tick } = batch;
  head.position += BigInt(moved);
  if (moved > 0) head.tick = tick + 1n;
  const { position, span } = head;
  return [{ tick, position, moved, advanced: moved > 0, span, ...batch }];
}

/** A sequencer on a scripted log, and what it told others. */
export interface ScriptedSequencer {
  readonly log: ScriptedLog;
  readonly clock: FakeClock;
  readonly service: Service;
  readonly told: unknown[];
  /** Those who listen for hints, by topic. */
  readonly listeners: Map<WakeTopic, () => void>;
  /** Lets all happen that can without time going by. */
  settle(): Promise<void>;
  /** Lets time go by, and what comes of it happen. */
  pass(ms: number): Promise<void>;
}

export function createScriptedSequencer(): ScriptedSequencer {
  const log = createScriptedLog();
  const clock = createFakeClock();
  const told: unknown[] = [];
  const listeners = new Map<WakeTopic, () => void>();
  const wakeUp = {
    hintHere: (topic: WakeTopic) => void told.push(`hint ${topic}`),
    on: (topic: WakeTopic, listener: () => void) => {
      listeners.set(topic, listener);
      return () => void listeners.delete(topic);
    },
  };
  const service = createSequencer({
    database: log.executor as Database,
    wakeUp: wakeUp as unknown as SequencerOptions['wakeUp'],
    channel: 'the channel',
    holder: 'me',
    observer: {
      ...silentObserver,
      sequenced: (count) => void told.push(`moved ${count}`),
      warn: (message) => void told.push(message),
    },
    clock,
    random: () => 0,
    partitionSpan: 65_536,
  });
  const settle = () => new Promise<void>((resolve) => void setImmediate(resolve));
  return {
    log,
    clock,
    service,
    told,
    listeners,
    settle,
    async pass(ms) {
      clock.advance(ms);
      await settle();
    },
  };
}
