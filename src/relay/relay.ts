import { aheadFailure } from '../consumers/lag.ts';
import type { ReadingOptions } from '../consumers/reading/reading-options.ts';
import { listBuilds } from '../consumers/statements/list-builds.ts';
import { noteFailure } from '../consumers/statements/note-failure.ts';
import { type ProgressRow, readProgress } from '../consumers/statements/read-progress.ts';
import { createLoop, type Loop } from '../kernel/loop.ts';
import type { Service } from '../kernel/service.ts';
import { createDuty, type Duty } from '../store/duty.ts';
import { failureText, stoppedText } from './failure-text.ts';
import { relayName } from './relay-consumer.ts';
import { type RelayRun, type RunSettings, startRun } from './relay-run.ts';
import { loadTargetMaker, type TargetAddress } from './target/open-target.ts';
import { createTargetSession, type TargetSession } from './target/target-session.ts';

export interface RelaySettings extends TargetAddress, RunSettings {
  /** For one append, in ms; after that the client is given up. */
  readonly timeoutMs: number;
}

export interface RelayOptions extends ReadingOptions {
  readonly settings: RelaySettings;
}

const POLL_MS = 250;
const LEASE_MS = 5_000;

/**
 * Appends the log to KurrentDB, stream by stream. Of all processes one at a time relays; two at once do
 * no harm, as each event has its one place in the target, and its one id.
 * Its checkpoint is the low-water mark: everything up to there is in the target, or parked.
 * Loads the client package. @throws DaybookError `relay-client-missing`, `invalid-options`
 */
export async function createRelay(options: RelayOptions): Promise<Service> {
  const maker = await loadTargetMaker(options.settings);
  const { clock, observer, settings } = options;
  const session = createTargetSession({ maker, clock, observer, timeoutMs: settings.timeoutMs });
  return new Relay(options, session);
}

/** Looks several times a second whether it is its turn, and where the checkpoint stands. */
class Relay implements Service {
  readonly name = 'relay';
  readonly #options: RelayOptions;
  readonly #session: TargetSession;
  readonly #duty: Duty;
  readonly #loop: Loop;
  #stopListening: readonly (() => void)[] = [];
  #build = 0;
  /** Null until the checkpoint is known, and after it turned out to stand elsewhere. */
  #run: RelayRun | null = null;
  #isTroubled = false;

  constructor(options: RelayOptions, session: TargetSession) {
    const { database, holder, clock, random, observer } = options;
    this.#options = options;
    this.#session = session;
    this.#duty = createDuty(database, `consumer ${relayName}`, holder, LEASE_MS, clock);
    this.#loop = createLoop({
      name: 'relay',
      clock,
      random,
      step: () => this.#step(),
      onError: (error) => observer.warn('the relay failed and tries again', { error }),
    });
  }

  start(): Promise<void> {
    const { wakeUp } = this.#options;
    const wake = () => this.#loop.wake();
    this.#stopListening = [wakeUp.on('log', wake), wakeUp.on('consumers', wake)];
    return this.#loop.start();
  }

  async stop(): Promise<void> {
    const { observer } = this.#options;
    for (const stop of this.#stopListening) stop();
    await this.#loop.stop();
    const ending = this.#abandon().catch((error: unknown) => {
      observer.warn('the relay’s checkpoint was not saved; it is relayed again from there', {
        error,
      });
    });
    await this.#session.close();
    await ending;
    await this.#duty.leave().catch((error: unknown) => {
      observer.warn('the duty of the relay lapses by itself', { error });
    });
  }

  async #step(): Promise<number> {
    if (!(await this.#duty.held())) {
      await this.#abandon();
      return LEASE_MS / 5;
    }
    const progress = await this.#readProgress();
    if (progress === undefined || progress.halted !== null) {
      await this.#abandon();
      return POLL_MS;
    }
    if (progress.position > progress.head) return this.#isAhead(progress);
    const run = await this.#runFrom(progress);
    await run.retryParked();
    await run.readAhead(progress.head);
    const hasWork = await run.advance();
    if (run.halted !== null) await this.#halt(run, run.halted);
    else await this.#tellTrouble(run);
    return hasWork ? 0 : POLL_MS;
  }

  async #readProgress(): Promise<ProgressRow | undefined> {
    const { database } = this.#options;
    if (this.#build === 0) {
      const builds = await database.run(listBuilds, { name: relayName });
      this.#build = builds.find(({ role }) => role === 'live')?.build ?? 0;
    }
    return (await database.run(readProgress, { name: relayName, build: this.#build }))[0];
  }

  /**
   * What relays from the checkpoint on; another than before where somebody else has moved it, and where
   * the log has lost its end: other events stand now where those stood that were read.
   */
  async #runFrom({ position, head, epoch }: ProgressRow): Promise<RelayRun> {
    const now = this.#run;
    const goesOn = now?.checkpoint === position && now.epoch === epoch && now.readUpTo <= head;
    if (now !== null && goesOn) return now;
    await this.#abandon();
    const run = { ...this.#options, session: this.#session, build: this.#build, position, epoch };
    return (this.#run = await startRun(run));
  }

  async #abandon(): Promise<void> {
    const run = this.#run;
    this.#run = null;
    await run?.stop();
  }

  /** What it has relayed is no longer in the log: an operator has to say what becomes of it. */
  async #isAhead({ position, head }: ProgressRow): Promise<number> {
    await this.#abandon();
    await this.#noteFailure(position, aheadFailure(position, head), true);
    return POLL_MS;
  }

  /** Stops at something that only a person can settle. */
  async #halt(run: RelayRun, error: Error): Promise<void> {
    await this.#abandon();
    const failure = stoppedText(failureText(error, run.checkpoint));
    this.#options.observer.warn(`the relay has stopped: ${failure.message}`, { error });
    await this.#noteFailure(run.checkpoint, failure, true);
  }

  /** Says once why nothing goes through; the next move of the checkpoint takes it back. */
  async #tellTrouble({ trouble, checkpoint }: RelayRun): Promise<void> {
    const wasTroubled = this.#isTroubled;
    this.#isTroubled = trouble !== null;
    if (wasTroubled || trouble === null) return;
    const failure = failureText(trouble, checkpoint);
    this.#options.observer.warn(
      `the target of the relay takes no events, and is tried again: ${failure.message}`,
      { error: trouble },
    );
    await this.#noteFailure(checkpoint, failure, false);
  }

  async #noteFailure(after: bigint, failure: unknown, halt: boolean): Promise<void> {
    const { database } = this.#options;
    await database.run(noteFailure, {
      name: relayName,
      build: this.#build,
      after,
      halt,
      failure,
    });
  }
}
