import type { RecordedEvent } from '../../store/event-codec.ts';
import type { LogRowFold } from '../row-fold.ts';
import { queueCounters } from './projection.ts';
import { readAllQueueCounters } from './queries.ts';
import { queueCountersName } from './table.ts';

const names = [
  'waiting',
  'running',
  'completed',
  'dead',
  'cancelled',
  'submitted',
  'started',
  'failed',
  'retried',
  'interrupted',
] as const;
type Counter = (typeof names)[number];
interface Counters extends Record<Counter, number> {
  /** Of the last event that was counted. */
  position: bigint;
}

/** What neither begins a queue nor changes what is counted. */
const uncounted = new Set<RecordedEvent['type']>([
  'JobCancelRequested',
  'JobRescheduled',
  'JobEdited',
  'PayloadErased',
  'QueuePaused',
  'QueueResumed',
  'QueueConfigured',
]);

/**
 * How many jobs of each queue stand where, and what has happened in it. An event tells where its job
 * came from because only legal streams are counted: a claim ends before its job is dead or cancelled.
 */
export const queueCountersFold: LogRowFold = {
  scope: 'log',
  name: queueCounters.name,
  table: queueCountersName,
  start() {
    const queues = new Map<number, Counters>();
    const of = (queueId: number | null): Counters => {
      const known = queues.get(queueId ?? 0);
      if (known !== undefined) return known;
      const zeros = Object.fromEntries(names.map((name) => [name, 0])) as Record<Counter, number>;
      const made = { ...zeros, position: 0n };
      queues.set(queueId ?? 0, made);
      return made;
    };
    return {
      add(event, ids) {
        if (uncounted.has(event.type)) return;
        const queue = of(ids.queueId(event.queue));
        queue.position = event.position ?? 0n;
        if (event.type === 'JobMoved') {
          const left = of(ids.queueId(event.data.from));
          left.waiting -= 1;
          left.position = queue.position;
        }
        count(queue, event);
      },
      rows: () =>
        [...queues].map(([id, columns]) => ({ key: String(id), columns: { ...columns } })),
    };
  },
  async read(executor) {
    const rows = await readAllQueueCounters(executor);
    return rows.map((row) => ({
      key: String(row.queue_id),
      columns: {
        ...Object.fromEntries(names.map((name) => [name, Number(row[name])])),
        position: row.position,
      },
    }));
  },
};

function count(queue: Counters, event: RecordedEvent): void {
  const goes = (from: Counter | null, to: Counter | null, happened?: Counter) => {
    if (from !== null) queue[from] -= 1;
    if (to !== null) queue[to] += 1;
    if (happened !== undefined) queue[happened] += 1;
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
    default:
      // What changes neither where a job stands nor what is counted.
      return undefined;
  }
}
