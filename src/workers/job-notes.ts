import type { WriteContext } from '../commands/write-context.ts';
import { storableText } from '../domain/storable-text.ts';
import { createLoop, type Loop } from '../kernel/loop.ts';
import type { Clock } from '../kernel/clock.ts';
import { type JobNote, writeNotes } from '../store/statements/write-notes.ts';

/** Characters kept of one log line, and of one progress. */
const MAX_LINE = 2_000;
const MAX_PROGRESS = 10_000;
const WRITE_EVERY_MS = 200;
/** What a line takes beside its text, in characters. */
const PER_LINE = 50;
/** Characters that may wait to be written, of all jobs together; what comes then is left out. */
const MAX_PENDING = 8 * 1_048_576;

/** What handlers say while they run: written a few times a second, for all jobs at once. */
export interface JobNotes extends Loop {
  log(jobId: string, message: string): void;
  progress(jobId: string, progress: unknown): void;
  /** Writes what waits now. */
  flush(): Promise<void>;
  /** Forgets the line count of a job that is not run here any more. */
  forget(jobId: string): void;
}

interface Pending {
  progress: string | null;
  readonly lines: string[];
}

/** @param maxLines kept of one run of a job */
export function createJobNotes(context: WriteContext, clock: Clock, maxLines: number): JobNotes {
  const logged = new Map<string, number>();
  let pending = new Map<string, Pending>();
  let characters = 0;

  const pendingOf = (jobId: string): Pending => {
    const known = pending.get(jobId);
    if (known !== undefined) return known;
    const made: Pending = { progress: null, lines: [] };
    pending.set(jobId, made);
    return made;
  };

  async function flush(): Promise<void> {
    if (pending.size === 0) return;
    const notes: JobNote[] = [...pending].map(([jobId, each]) => ({ jobId, ...each }));
    pending = new Map();
    characters = 0;
    await context.database.run(writeNotes, { notes });
  }

  const loop = createLoop({
    name: 'job-notes',
    clock,
    random: context.random,
    step: async () => {
      await flush();
      return WRITE_EVERY_MS;
    },
    onError: (error) => context.observer.warn('notes of jobs were not written', { error }),
  });

  return {
    ...loop,
    flush,
    log(jobId, message) {
      const lines = logged.get(jobId) ?? 0;
      if (lines >= maxLines || characters >= MAX_PENDING) return;
      logged.set(jobId, lines + 1);
      const line = storableText(message, MAX_LINE);
      characters += line.length + PER_LINE;
      pendingOf(jobId).lines.push(line);
    },
    progress(jobId, progress) {
      const text = progressText(progress);
      if (text === undefined || characters >= MAX_PENDING) return;
      characters += text.length + PER_LINE;
      pendingOf(jobId).progress = text;
    },
    forget(jobId) {
      logged.delete(jobId);
    },
  };
}

/** Progress as JSON that jsonb takes; undefined for what cannot be shown, or is too long. */
function progressText(progress: unknown): string | undefined {
  try {
    const text = JSON.stringify(progress, (_key, value: unknown) =>
      typeof value === 'string' ? storableText(value, MAX_LINE) : value,
    );
    return text === undefined || text.length > MAX_PROGRESS ? undefined : text;
  } catch {
    // Progress is a courtesy: a value that is no JSON is left out, and the job goes on.
    return undefined;
  }
}
