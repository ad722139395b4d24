import { DaybookError } from '../kernel/errors.ts';
import { isUuid } from '../kernel/uuid.ts';
import type { Database } from '../store/database.ts';
import type { WakeUp } from '../store/wake-up.ts';
import { abortRebuild, haltBuild, startRebuild } from './builds/rebuild.ts';
import type { Consumer } from './consumer.ts';
import { type ConsumerLag, listLags } from './lag.ts';
import { listBuilds } from './statements/list-builds.ts';
import { listParked, type ParkedRow } from './statements/list-parked.ts';
import { setParkedState } from './statements/set-parked-state.ts';
import { skipParked } from './statements/skip-parked.ts';

/** An event that a consumer has put aside. */
export interface ParkedEvent {
  readonly position: bigint;
  readonly streamId: string;
  /** Retrying: an operator wants it tried again. Skipped: it was given up, and holds nothing up. */
  readonly state: ParkedRow['state'];
  /** How often its handler has failed on it; 0 for one that only waits behind such a one. */
  readonly attempts: number;
  readonly error: unknown;
  readonly parkedAtMs: number;
}

/**
 * What an operator sees of consumers, and does with them. Every method may be called in any process; the
 * one that reads for the consumer does what was asked.
 * All but `list` throw DaybookError `consumer-not-found`.
 */
export interface ConsumerControl {
  /** Every build of every consumer, with its lag and whether it gets on. */
  list(): Promise<ConsumerLag[]>;
  /**
   * Builds a consumer anew from the first position, beside the live build, which goes on until the new
   * one takes its place. @throws DaybookError `rebuild-in-progress`
   */
  rebuild(name: string): Promise<void>;
  pauseRebuild(name: string): Promise<void>;
  resumeRebuild(name: string): Promise<void>;
  /** Ends a rebuild and throws away what it has made; the live build was never touched. */
  abortRebuild(name: string): Promise<void>;
  /** Stops the live reading where it stands. */
  pause(name: string): Promise<void>;
  /** Lets the live reading go on, after a pause or where its policy has stopped it. */
  resume(name: string): Promise<void>;
  /** What it has put aside, by position. @param after a position */
  parked(name: string, after: bigint, limit: number): Promise<ParkedEvent[]>;
  /** Has the parked events of a stream tried again, in order. */
  retryParked(name: string, streamId: string): Promise<void>;
  /** Gives up on the first parked event of a stream, and has those behind it tried again. */
  skipParked(name: string, streamId: string): Promise<void>;
}

export function createConsumerControl(
  database: Database,
  wakeUp: WakeUp,
  consumers: readonly Consumer[],
): ConsumerControl {
  const told = async (work: Promise<unknown>): Promise<void> => {
    await work;
    wakeUp.hint('consumers');
  };
  const liveBuild = async (name: string): Promise<number> => {
    const live = (await database.run(listBuilds, { name })).find(({ role }) => role === 'live');
    if (live === undefined) throw notFound(`There is no consumer "${name}".`);
    return live.build;
  };
  const changeParked = async (
    name: string,
    streamId: string,
    change: (build: number) => Promise<readonly unknown[]>,
  ): Promise<void> => {
    const build = await liveBuild(name);
    const changed = isUuid(streamId) ? await change(build) : [];
    if (changed.length === 0) throw notFound(`"${name}" has parked nothing of ${streamId}.`);
  };
  return {
    list: () => listLags(database),
    rebuild: (name) => told(startRebuild(database, consumers, name)),
    pauseRebuild: (name) => told(haltBuild(database, name, 'building', 'paused')),
    resumeRebuild: (name) => told(haltBuild(database, name, 'building', null)),
    abortRebuild: (name) => told(abortRebuild(database, name)),
    pause: (name) => told(haltBuild(database, name, 'live', 'paused')),
    resume: (name) => told(haltBuild(database, name, 'live', null)),
    async parked(name, after, limit) {
      await liveBuild(name);
      return (await database.run(listParked, { consumer: name, after, limit })).map(parkedEvent);
    },
    retryParked: (consumer, streamId) =>
      told(
        changeParked(consumer, streamId, (build) => {
          const state = 'retrying' as const;
          return database.run(setParkedState, { consumer, build, streamId, state, error: null });
        }),
      ),
    skipParked: (consumer, streamId) =>
      told(
        changeParked(consumer, streamId, (build) =>
          database.run(skipParked, { consumer, build, streamId }),
        ),
      ),
  };
}

function parkedEvent(row: ParkedRow): ParkedEvent {
  return {
    position: row.position,
    streamId: row.stream_id,
    state: row.state,
    attempts: row.attempts,
    error: row.error,
    parkedAtMs: row.parked_at,
  };
}

function notFound(message: string): DaybookError {
  return new DaybookError('consumer-not-found', message);
}
