import type { RecordedEvent } from '../../store/event-codec.ts';
import type { LogRowFold, RowIds } from '../row-fold.ts';
import { queueCounters } from './projection.ts';
import { readAllQueueCounters } from './queries.ts';
import { counters, queueCountersName } from './table.ts';

type Counter = (typeof counters)[number];
/** And the position of the last event that was counted. */
type Counters = Record<Counter, number> & { position: bigint | null };

/**
 * How many jobs of each queue stand where, and what has happened in it. An event tells where its job
 * came from because only legal streams are counted: a claim ends before its job is dead or cancelled.
 */
export function countQueues() {
  const queues = new Map<number, Counters>();
  const of = (queueId: number | null): Counters => {
    const known = queues.get(queueId ?? 0);
    if (known !== undefined) return known;
    const zeros = Object.fromEntries(counters.map((name) => [name, 0])) as Record<Counter, number>;
    const made: Counters = { ...zeros, position: null };
    queues.set(queueId ?? 0, made);
    return made;
  };
  return {
    /** By number. */
    queues: queues as ReadonlyMap<number, Readonly<Counters>>,
    add(event: RecordedEvent, ids: RowIds) {
      const queue = of(ids.queueId(event.queue));
      if (event.type === 'JobMoved') {
        const left = of(ids.queueId(event.data.from));
        left.waiting -= 1;
        left.position = event.position;
      }
      count(queue, event);
    },
  };
}

/** The counters as the table has them. */
export const queueCountersFold: LogRowFold = {
  scope: 'log',
  name: queueCounters.name,
  table: queueCountersName,
  start() {
    const { queues, add } = countQueues();
    return {
      add,
      rows: () => [...queues].map(([id, columns]) => ({ key: String(id), columns })),
    };
  },
  async read(executor) {
    const rows = await readAllQueueCounters(executor);
    return rows.map((row) => ({
      key: String(row.queue_id),
      columns: { ...countsOf(row), position: row.position },
    }));
  },
};

/** What a stored row counts, as the fold has it. */
export function countsOf(row: Readonly<Record<Counter, bigint>>): Record<string, number> {
  return Object.fromEntries(counters.map((name) => [name, Number(row[name])]));
}

function count(queue: Counters, event: RecordedEvent): void {
  const goes = (from: Counter | null, to: Counter | null, happened?: Counter) => {
    if (from !== null) queue[from] -= 1;
    if (to !== null) queue[to] += 1;
    if (happened !== undefined) queue[happened] += 1;
    queue.position = event.position;
  };
  switch (event.type) {
    case 'JobSubmitted':
      return goes(null, 'waiting', 'submitted');
    case 'JobClaimed':
      return goes('waiting', 'running', 'started');
    case 'JobCompleted':
      return goes('running', 'completed');
    case 'JobFailed':
      return goes('running', 'waiting', 'failed');
    case 'JobInterrupted':
      return goes('running', 'waiting', 'interrupted');
    case 'JobSnoozed':
      return goes('running', 'waiting');
    case 'JobRetried':
      return event.data.revived === undefined
        ? goes(null, null, 'retried')
        : goes('dead', 'waiting', 'retried');
    case 'JobDead':
      return goes('waiting', 'dead');
    case 'JobCancelled':
      return goes('waiting', 'cancelled');
    case 'JobMoved':
      return goes(null, 'waiting');
    case 'QueueCreated':
      return goes(null, null);
    default:
      // What changes neither where a job stands nor what is counted.
      return undefined;
  }
}
