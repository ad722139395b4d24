import type { Clock } from '../kernel/clock.ts';

/** What successes and failures of all streams together say of the target. */
export interface TargetHealth {
  /** Appends that went through. */
  readonly successes: number;
  /** For how long the target is left alone, in ms; 0 where it is not. */
  readonly restMs: number;
  /** The last failure, once so many have followed each other that it is no chance; else null. */
  readonly trouble: unknown;
  succeeded(): void;
  failed(error: unknown): void;
  /** True where so many were refused one after the other that it is not the doing of their streams. */
  refused(): boolean;
}

const MAX_PAUSE_MS = 1_500;
/** So many refusals with no success between them are the target's doing, and not that of the streams. */
const REFUSALS_IN_A_ROW = 20;
/** Fewer failures in a row than this are chance, and no reason to leave the target alone. */
const FAILURES_IN_A_ROW = 4;
/** What breaks for one breaks for all that are under way, and is one failure. */
const ONE_FAILURE_MS = 100;

/** @param random a number in [0, 1) */
export function createTargetHealth(clock: Clock, random: () => number): TargetHealth {
  let successes = 0;
  let refusals = 0;
  let failures = 0;
  let failedAt = Number.NEGATIVE_INFINITY;
  let restUntil = 0;
  let trouble: unknown = null;
  return {
    get successes() {
      return successes;
    },
    get restMs() {
      return Math.max(0, restUntil - clock.elapsedMs());
    },
    get trouble() {
      return trouble;
    },
    succeeded() {
      successes += 1;
      refusals = 0;
      failures = 0;
      trouble = null;
    },
    failed(error) {
      const now = clock.elapsedMs();
      if (now - failedAt > ONE_FAILURE_MS) {
        failures += 1;
        failedAt = now;
      }
      if (failures < FAILURES_IN_A_ROW) return;
      trouble = error;
      const restMs = backoffMs(failures - FAILURES_IN_A_ROW, random);
      restUntil = Math.max(restUntil, now + restMs);
    },
    refused() {
      refusals += 1;
      return refusals >= REFUSALS_IN_A_ROW;
    },
  };
}

/** Half fixed, half chance, as all of Daybook's pauses after failures. */
export function backoffMs(tries: number, random: () => number): number {
  const ceiling = Math.min(MAX_PAUSE_MS, 50 * 2 ** Math.min(tries, 10));
  return Math.ceil(ceiling / 2 + (ceiling / 2) * random());
}
