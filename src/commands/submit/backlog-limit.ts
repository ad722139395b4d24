import type { Clock } from '../../kernel/clock.ts';
import { DaybookError } from '../../kernel/errors.ts';
import { createLoop } from '../../kernel/loop.ts';
import type { Observer } from '../../kernel/observer.ts';
import type { Service } from '../../kernel/service.ts';

/** A queue that has a limit. */
export interface Backlog {
  readonly queue: string;
  /** Jobs that waited in it when it was read. */
  readonly waiting: number;
  readonly maxWaiting: number;
}

/** Keeps queues from growing without end: refuses submissions to those that are full. */
export interface BacklogLimit extends Service {
  /**
   * Lets jobs pass, and counts them until the number is read anew.
   * @throws DaybookError `queue-full`: none of them passes
   */
  admit(jobs: readonly { readonly queue: string }[]): void;
}

export interface BacklogLimitOptions {
  /** The queues that have a limit; null where what is known of them is too old to judge by. */
  readonly read: () => Promise<readonly Backlog[] | null>;
  readonly clock: Clock;
  readonly observer: Observer;
  /** A number in [0, 1). */
  readonly random: () => number;
}

/** How often the numbers are read where a queue has a limit, and where none has, in ms. */
const EVERY_MS = 700;
const WITHOUT_LIMIT_EVERY_MS = 5_000;
/** Numbers that are older are no reason to refuse anything. */
const OUTDATED_MS = 5_000;

/**
 * Judges by numbers that are read beside, about every second: never by a question to the database
 * while somebody waits. They are read from the first submission of this process on.
 */
export function createBacklogLimit(options: BacklogLimitOptions): BacklogLimit {
  const { read, clock, observer, random } = options;
  let backlogs = new Map<string, Backlog & { passed: number }>();
  let readAt = Number.NEGATIVE_INFINITY;
  let started = false;
  let stopped = false;

  const loop = createLoop({
    name: 'backlog-limit',
    clock,
    random,
    step: async () => {
      const startedAt = clock.elapsedMs();
      const found = (await read()) ?? [];
      backlogs = new Map(found.map((each) => [each.queue, { ...each, passed: 0 }]));
      readAt = startedAt;
      return found.length > 0 ? EVERY_MS : WITHOUT_LIMIT_EVERY_MS;
    },
    onError: (error) => observer.warn('the length of queues could not be read', { error }),
  });

  function mustHaveRoom(queue: string, count: number): void {
    const backlog = backlogs.get(queue);
    if (backlog === undefined) return;
    const { waiting, maxWaiting, passed } = backlog;
    if (waiting + passed + count <= maxWaiting) {
      backlog.passed += count;
      return;
    }
    const message = `${waiting + passed} jobs wait in "${queue}", and ${maxWaiting} may.`;
    throw new DaybookError('queue-full', message, { facts: { queue, maxWaiting } });
  }

  return {
    name: loop.name,
    admit(jobs) {
      if (!started && !stopped) {
        started = true;
        void loop.start();
      }
      if (backlogs.size === 0 || clock.elapsedMs() - readAt > OUTDATED_MS) return;
      const counts = new Map<string, number>();
      for (const { queue } of jobs) counts.set(queue, (counts.get(queue) ?? 0) + 1);
      for (const [queue, count] of counts) mustHaveRoom(queue, count);
    },
    start: () => Promise.resolve(),
    async stop() {
      stopped = true;
      await loop.stop();
    },
  };
}
