import type { RetryPolicy } from '../retry-policy.ts';
import type { JobChanges, JobError, JobEventData } from './events.ts';

/** Everything that may be asked of a job. Who asks, and why, travels beside the command. */
export type JobCommand =
  | { readonly kind: 'submit'; readonly queue: string; readonly job: JobEventData['JobSubmitted'] }
  | { readonly kind: 'claim'; readonly session: string; readonly leaseToken: string }
  | {
      readonly kind: 'complete';
      readonly leaseToken: string;
      readonly resultHash?: string;
      readonly resultBytes?: number;
    }
  | {
      readonly kind: 'fail';
      readonly leaseToken: string;
      readonly error: JobError;
      /** False: dead at once, whatever attempts are left. */
      readonly retryable: boolean;
      /** What the worker's definition says for a job that names no policy of its own. */
      readonly fallbackPolicy?: RetryPolicy;
      /** The same, where the definition's own function chose the delay. */
      readonly fallbackDelayMs?: number;
      /** A delay chosen for this very failure; goes before any policy. */
      readonly delayMs?: number;
    }
  | { readonly kind: 'snooze'; readonly leaseToken: string; readonly delayMs: number }
  | { readonly kind: 'release'; readonly leaseToken: string }
  | {
      readonly kind: 'expire';
      /** The suspect had marked its start on its claim row. */
      readonly startMarked: boolean;
    }
  | { readonly kind: 'cancel'; readonly reason: string | null }
  | { readonly kind: 'retry'; readonly reason: string | null; readonly delayMs: number }
  | { readonly kind: 'reschedule'; readonly runAtMs: number; readonly reason: string | null }
  | { readonly kind: 'edit'; readonly changes: JobChanges; readonly reason: string | null }
  | { readonly kind: 'move'; readonly queue: string; readonly reason: string | null }
  | { readonly kind: 'erase-payload'; readonly reason: string | null };

export type JobCommandKind = JobCommand['kind'];

/** What `decide` may know beside the state: both are drawn outside, so that it stays pure. */
export interface DecisionContext {
  /** The database's time, in ms since the Unix epoch. */
  readonly nowMs: number;
  /** A number in [0, 1), for jitter. */
  readonly random: number;
}
