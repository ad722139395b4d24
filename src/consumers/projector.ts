import type { Clock } from '../kernel/clock.ts';
import { invariant } from '../kernel/invariant.ts';
import { createLoop, type Loop } from '../kernel/loop.ts';
import type { Observer } from '../kernel/observer.ts';
import type { Service } from '../kernel/service.ts';
import type { Database } from '../store/database.ts';
import { createDuty, type Duty } from '../store/duty.ts';
import type { WakeUp } from '../store/wake-up.ts';
import { applyRange } from './apply-range.ts';
import { createBatchSize } from './batch-size.ts';
import type { Consumer } from './consumer.ts';
import { readProgress } from './statements/read-progress.ts';

export interface ProjectorOptions {
  readonly database: Database;
  readonly wakeUp: WakeUp;
  /** Tells this process from others. */
  readonly holder: string;
  readonly observer: Observer;
  readonly clock: Clock;
  /** A number in [0, 1). */
  readonly random: () => number;
  /** Prepared; see prepare-read-models.ts. */
  readonly consumers: readonly Consumer[];
}

/** From the start of one batch to the next that is not full: bounds how often a checkpoint is written. */
const EVERY_MS = 50;
/** For each ms of work, so many of rest, once the end of the log is reached. */
const IDLE_SHARE = 2;
/** Without a hint, how long until the log is looked at again. */
const POLL_MS = 250;
const LEASE_MS = 5_000;

/**
 * Keeps consumers up with the log, for as long as this process holds the duty. Each has a loop of its
 * own, so that one that fails, or is slow, holds up no other. Two projectors at once do no harm: a
 * batch counts only if the checkpoint still stands where it began.
 */
export function createProjector(options: ProjectorOptions): Service {
  const { database, wakeUp, observer, clock } = options;
  const duty = createDuty(database, 'projector', options.holder, LEASE_MS, clock);
  const loops = options.consumers.map((consumer) => createConsumerLoop(options, duty, consumer));
  let stopListening: () => void = () => undefined;

  return {
    name: 'projector',
    async start() {
      stopListening();
      stopListening = wakeUp.on('log', () => {
        for (const loop of loops) loop.wake();
      });
      await Promise.all(loops.map((loop) => loop.start()));
    },
    async stop() {
      stopListening();
      await Promise.all(loops.map((loop) => loop.stop()));
      await duty.leave().catch((error: unknown) => {
        observer.warn('the projector’s duty lapses by itself', { error });
      });
    },
  };
}

function createConsumerLoop(options: ProjectorOptions, duty: Duty, consumer: Consumer): Loop {
  const { database, observer, clock } = options;
  const { name, version } = consumer;
  const size = createBatchSize();

  async function step(signal: AbortSignal): Promise<number> {
    if (!(await duty.held())) return LEASE_MS / 5;
    const [progress] = await database.run(readProgress, { name, version });
    invariant(progress !== undefined, `the consumer ${name} was prepared before it was run`);
    const { position: after, head } = progress;
    if (after >= head) return POLL_MS;
    const end = after + BigInt(size.now());
    const upTo = end < head ? end : head;
    const began = clock.elapsedMs();
    if (!(await applyRange(database, consumer, { after, upTo }))) return 0;
    const tookMs = clock.elapsedMs() - began;
    observer.projected(name, Number(upTo - after));
    size.took(tookMs, upTo === end);
    // Slept here and not by the loop, whose pauses end with every hint. A batch that took long is
    // followed by a long pause: the larger the next one is, the more of a job's events fall into it
    // together, and are written as one row.
    if (upTo === head) {
      await clock.sleep(Math.max(EVERY_MS - tookMs, tookMs * IDLE_SHARE), signal);
    }
    return 0;
  }

  return createLoop({
    name: `projector of ${name}`,
    clock,
    random: options.random,
    step,
    onError: (error) => {
      size.failed();
      observer.warn('a projection failed and tries again', { projection: name, version, error });
    },
  });
}
