import type { Clock } from '../kernel/clock.ts';
import { createLoop } from '../kernel/loop.ts';
import type { Observer } from '../kernel/observer.ts';
import type { Service } from '../kernel/service.ts';
import type { Database } from './database.ts';
import { createDuty } from './duty.ts';
import { prepareLog } from './epoch/prepare-log.ts';
import { makePartitions, needsPartitions } from './partitions.ts';
import { sequenceInbox } from './statements/sequence-inbox.ts';
import type { WakeUp } from './wake-up.ts';

export interface SequencerOptions {
  readonly database: Database;
  readonly wakeUp: WakeUp;
  readonly channel: string;
  readonly holder: string;
  readonly observer: Observer;
  readonly clock: Clock;
  readonly random: () => number;
  /** Positions per partition, used when the log is made; 2^24 by default. */
  readonly partitionSpan: number;
}

/** New events per statement at the most. */
const BATCH = 5_000;
/** Between batches that were not full: what bounds how often the head row is written. */
const PAUSE_MS = 10;
/** Without a hint, how long until the inbox is looked at again. */
const POLL_MS = 100;
const LEASE_MS = 5_000;
/**
 * How often the server is compared with the one that the epoch was opened on, besides at the start of a
 * reign and after a failure: a proxy may lead to another server without a connection that breaks.
 */
const COMPARE_EVERY_MS = 2_000;

/**
 * Moves the inbox to the log, for as long as this process holds the duty. Readers wait for it; queue
 * operations never do.
 */
export function createSequencer(options: SequencerOptions): Service {
  const { database, wakeUp, clock, observer } = options;
  const duty = createDuty(database, 'sequencer', options.holder, LEASE_MS, clock);
  let tick = 0n;
  let partitionsUntil = 0n;
  let prepared = false;
  let comparedAt = 0;

  async function step(): Promise<number> {
    if (!(await duty.held())) {
      prepared = false;
      return LEASE_MS / 5;
    }
    if (!prepared || clock.elapsedMs() - comparedAt > COMPARE_EVERY_MS) {
      comparedAt = clock.elapsedMs();
      const head = await prepareLog(database, options.partitionSpan, observer);
      ({ tick, partitions_until: partitionsUntil } = head);
      prepared = true;
    }
    return moveBatch();
  }

  async function moveBatch(): Promise<number> {
    const [head] = await database.run(sequenceInbox, {
      tick,
      limit: BATCH,
      channel: options.channel,
    });
    if (head === undefined) {
      prepared = false;
      return POLL_MS;
    }
    tick = head.advanced ? head.tick + 1n : head.tick;
    if (needsPartitions(head.position, partitionsUntil)) {
      ({ partitions_until: partitionsUntil } = await makePartitions(database));
    }
    if (head.moved === 0) return POLL_MS;
    observer.sequenced(head.moved);
    wakeUp.hintHere('log');
    if (head.moved < BATCH) await clock.sleep(PAUSE_MS);
    return 0;
  }

  const loop = createLoop({
    name: 'sequencer',
    clock,
    random: options.random,
    step,
    onError: (error) => {
      // Also the way out of a batch that was larger than the partitions made ahead.
      prepared = false;
      observer.warn('the sequencer failed and tries again', { error });
    },
  });
  let stopListening: () => void = () => undefined;

  return {
    name: 'sequencer',
    async start() {
      stopListening = wakeUp.on('inbox', loop.wake);
      await loop.start();
    },
    async stop() {
      stopListening();
      await loop.stop();
      await duty.leave().catch((error: unknown) => {
        observer.warn('the sequencer’s duty lapses by itself', { error });
      });
    },
  };
}
