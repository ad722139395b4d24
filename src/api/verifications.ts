import type { Clock } from '../kernel/clock.ts';
import { DaybookError, isDaybookError } from '../kernel/errors.ts';
import type { VerifyReport } from '../verify/report.ts';
import type { VerifyOptions, VerifyProgress } from '../verify/verify.ts';

/** A run of verify, on its way or ended. */
export interface Verification {
  readonly id: string;
  readonly state: 'running' | 'finished' | 'failed';
  readonly startedAtMs: number;
  readonly progress: VerifyProgress | null;
  /** Once it is finished. */
  readonly report: VerifyReport | null;
  /** Why it failed. */
  readonly failure: { readonly code: string; readonly detail: string } | null;
}

/** What a run looks at. */
export type Wanted = Pick<VerifyOptions, 'bodies' | 'safety'>;

/** The runs of this process: one at a time, and the last ones remembered. */
export interface Verifications {
  /** Starts a run, or joins the one that is on its way; answers it once it ends, or after `waitMs`. */
  start(options: Wanted, waitMs: number): Promise<Verification>;
  /** @throws DaybookError `verification-not-found` */
  get(id: string): Verification;
  /** Ends the run that is on its way. */
  close(): Promise<void>;
}

export interface VerificationsOptions {
  /** Rejects with `aborted` when the signal does. */
  run(options: VerifyOptions): Promise<VerifyReport>;
  newId(): string;
  readonly clock: Clock;
  /** Told of a run that failed for a reason nobody foresaw. */
  onError(error: unknown): void;
}

const REMEMBERED = 10;

export function createVerifications(options: VerificationsOptions): Verifications {
  const { clock } = options;
  const runs = new Map<string, Verification>();
  const closing = new AbortController();
  let current: { readonly id: string; readonly ended: Promise<void> } | null = null;

  const change = (id: string, changes: Partial<Verification>) => {
    const run = runs.get(id);
    if (run !== undefined) runs.set(id, { ...run, ...changes });
  };
  const failureOf = (error: unknown) => {
    if (isDaybookError(error)) return { code: error.code, detail: error.message };
    options.onError(error);
    return { code: 'internal', detail: 'Something went wrong; the log of the server says what.' };
  };
  const begin = (wanted: Wanted) => {
    const id = options.newId();
    const none = { progress: null, report: null, failure: null };
    runs.set(id, { id, state: 'running', startedAtMs: clock.nowMs(), ...none });
    const [oldest] = runs.keys();
    if (runs.size > REMEMBERED && oldest !== undefined) runs.delete(oldest);
    const onProgress = (progress: VerifyProgress) => change(id, { progress });
    const ended = options
      .run({ ...wanted, signal: closing.signal, onProgress })
      .then((report) => change(id, { state: 'finished', report }))
      .catch((error: unknown) => change(id, { state: 'failed', failure: failureOf(error) }))
      .finally(() => {
        current = null;
      });
    return { id, ended };
  };
  const get = (id: string): Verification => {
    const run = runs.get(id);
    if (run !== undefined) return run;
    throw new DaybookError(
      'verification-not-found',
      `This server remembers no verification ${id}.`,
    );
  };

  return {
    get,
    async start(wanted, waitMs) {
      current ??= begin(wanted);
      const { id, ended } = current;
      const waited = new AbortController();
      await Promise.race([ended, clock.sleep(waitMs, waited.signal)]);
      waited.abort();
      return get(id);
    },
    async close() {
      closing.abort();
      await current?.ended;
    },
  };
}
