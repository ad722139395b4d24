import { jobErrorFrom } from '../../domain/job/job-error.ts';
import { isDaybookError } from '../../kernel/errors.ts';
import { createLoop, type Loop } from '../../kernel/loop.ts';
import { createDuty, type Duty } from '../../store/duty.ts';
import { promoteBuild, stepOfPromotion } from '../builds/promote-build.ts';
import { rebuildAhead } from '../builds/rebuild-ahead.ts';
import type { Consumer, EventConsumer, PositionRange } from '../consumer.ts';
import { aheadFailure } from '../lag.ts';
import { noteFailure } from '../statements/note-failure.ts';
import { type ProgressRow, readProgress } from '../statements/read-progress.ts';
import { applyRange, type BuildReader } from './apply-range.ts';
import { type BatchSize, createBatchSize } from './batch-size.ts';
import { createGathering, type Gathering } from './gathering.ts';
import type { ReadingTurns } from '../reading-turns.ts';
import type { ReadingOptions } from './reading-options.ts';
import { attemptsAtPoison, putAside, retryParked } from './poison.ts';

/** From the start of one batch to the next that is not full: bounds how often a checkpoint is written. */
export const usualEveryMs = 50;
/** For each ms of work half a ms of rest while a build is made beside the live one: the work of the day comes first. */
const BUILDING_SHARE = 0.5;
/** Without a hint, how long until the log is looked at again. */
const POLL_MS = 250;
const LEASE_MS = 5_000;

export interface ProjectorOptions extends ReadingOptions {
  /** Prepared; see builds/prepare-consumers.ts. */
  readonly consumers: readonly Consumer[];
}

export interface BuildLoopOptions extends ProjectorOptions {
  /** See `Projection`. */
  readonly everyMs: number;
  /** Builds beside the live ones take turns, so that together they leave room for the work of the day. */
  readonly building: ReadingTurns;
}

/** Reads the log for one build, for as long as this process holds the duty. */
export interface BuildLoop {
  start(): Promise<void>;
  stop(): Promise<void>;
  wake(): void;
}

/** @param consumer given for one that is written in TypeScript */
export function createBuildLoop(
  options: BuildLoopOptions,
  reader: BuildReader,
  consumer: EventConsumer | undefined,
): BuildLoop {
  return new Reading(options, reader, consumer);
}

class Reading implements BuildLoop {
  readonly #options: BuildLoopOptions;
  readonly #reader: BuildReader;
  readonly #consumer: EventConsumer | undefined;
  readonly #duty: Duty;
  readonly #loop: Loop;
  readonly #size: BatchSize;
  readonly #gathering: Gathering;
  #failures = 0;
  #busyMs = 0;
  /** Up to here every position is tried alone, because the batch that held it failed. */
  #aloneUntil = 0n;

  constructor(options: BuildLoopOptions, reader: BuildReader, consumer: EventConsumer | undefined) {
    const { database, holder, clock, random, observer } = options;
    const { name, build } = reader;
    this.#options = options;
    this.#reader = reader;
    this.#consumer = consumer;
    this.#size = createBatchSize(consumer === undefined ? {} : { first: 500, most: 2_000 });
    this.#gathering = createGathering(clock, options.everyMs);
    this.#duty = createDuty(database, `consumer ${name} ${build}`, holder, LEASE_MS, clock);
    this.#loop = createLoop({
      name: `consumer ${name}, build ${build}`,
      clock,
      random,
      step: (signal) => this.#step(signal),
      onError: (error) => {
        observer.warn('a consumer failed and tries again', { consumer: name, build, error });
      },
    });
  }

  start(): Promise<void> {
    return this.#loop.start();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
    await this.#duty.leave().catch((error: unknown) => {
      this.#options.observer.warn('the duty of a consumer lapses by itself', { error });
    });
  }

  wake(): void {
    this.#gathering.grew();
    this.#loop.wake();
  }

  async #step(signal: AbortSignal): Promise<number> {
    const { database } = this.#options;
    if (!(await this.#duty.held())) return LEASE_MS / 5;
    const { name, build } = this.#reader;
    const [progress] = await database.run(readProgress, { name, build });
    if (progress === undefined || progress.halted !== null) return POLL_MS;
    if (progress.position > progress.head) return this.#isAhead(progress);
    if (this.#consumer && (await retryParked(database, this.#consumer, build))) return 0;
    if (progress.role === 'building' && isNear(progress)) return this.#promote();
    const range = this.#rangeAt(progress);
    if (range === undefined) return POLL_MS;
    const read = () => this.#read(progress, range, signal);
    return progress.role === 'live' ? read() : this.#options.building.take(read);
  }

  async #read(progress: ProgressRow, range: PositionRange, signal: AbortSignal): Promise<number> {
    const { database } = this.#options;
    const began = this.#options.clock.elapsedMs();
    const replaying = progress.role === 'building';
    try {
      const mode = { replaying, busyMs: this.#busyMs };
      if (!(await applyRange(database, this.#reader, range, mode))) return 0;
    } catch (error) {
      return this.#failed(range, error);
    }
    this.#failures = 0;
    await this.#rest(progress, range, began, signal);
    return 0;
  }

  /** What it has read is no longer in the log: a read model is built anew, others wait for an operator. */
  async #isAhead({ position, head, role }: ProgressRow): Promise<number> {
    const { database, observer, wakeUp, consumers } = this.#options;
    const { name, build } = this.#reader;
    observer.warn('a consumer has read positions that the log does not have', {
      consumer: name,
      position: String(position),
      head: String(head),
    });
    const isReadModel = this.#consumer === undefined && role === 'live';
    if (isReadModel && (await rebuildAhead(database, consumers, name))) {
      wakeUp.hint('consumers');
      return 0;
    }
    const failure = aheadFailure(position, head);
    await database.run(noteFailure, { name, build, after: position, halt: true, failure });
    return POLL_MS;
  }

  #rangeAt({ position: after, role, head, live_position: live }: ProgressRow) {
    const end = role === 'building' ? live : head;
    const most = after < this.#aloneUntil ? 1n : BigInt(this.#size.now());
    const upTo = after + most < end ? after + most : end;
    return upTo > after ? { after, upTo } : undefined;
  }

  /** Slept here and not by the loop, whose pauses end with every hint. */
  async #rest(
    { role, head }: ProgressRow,
    { after, upTo }: PositionRange,
    began: number,
    signal: AbortSignal,
  ): Promise<void> {
    const { clock, observer } = this.#options;
    const tookMs = clock.elapsedMs() - began;
    const count = upTo - after;
    observer.projected(this.#reader.name, Number(count));
    this.#size.took(tookMs, count >= BigInt(this.#size.now()));
    if (role === 'building') await clock.sleep(tookMs * BUILDING_SHARE, signal);
    else if (upTo === head) await this.#gathering.rest(tookMs, signal);
    this.#busyMs = clock.elapsedMs() - began;
  }

  async #promote(): Promise<number> {
    const { database, observer } = this.#options;
    const { name, build } = this.#reader;
    if (!(await promoteBuild(database, this.#reader))) return usualEveryMs;
    observer.info('a new build of a consumer is live', { consumer: name, build });
    return 0;
  }

  async #failed(range: PositionRange, error: unknown): Promise<number> {
    const { database } = this.#options;
    const { name, build } = this.#reader;
    this.#size.failed();
    if (isDaybookError(error, 'database-unavailable')) throw error;
    if (this.#consumer !== undefined && range.upTo - range.after > 1n) {
      this.#aloneUntil = range.upTo;
      return 0;
    }
    this.#failures += 1;
    if (this.#failures < attemptsAtPoison) throw error;
    if (this.#consumer === undefined) {
      const failure = { position: String(range.after + 1n), ...jobErrorFrom(error) };
      await database.run(noteFailure, { name, build, after: range.after, halt: false, failure });
      throw error;
    }
    await putAside(database, this.#consumer, build, range, error);
    this.#failures = 0;
    return 0;
  }
}

function isNear({ position, live_position: live }: ProgressRow): boolean {
  return live - position <= stepOfPromotion;
}
