import type { WriteContext } from '../commands/write-context.ts';
import { storableText } from '../domain/storable-text.ts';
import { createLoop, type Loop } from '../kernel/loop.ts';
import type { Clock } from '../kernel/clock.ts';
import { type JobNote, writeNotes } from '../store/statements/write-notes.ts';

/** Characters kept of one log line, and of one progress. */
const MAX_LINE = 2_000;
const MAX_PROGRESS = 10_000;
const WRITE_EVERY_MS = 200;

/** What handlers say while they run: written a few times a second, for all jobs at once. */
export interface JobNotes extends Loop {
  log(jobId: string, attempt: number, message: string): void;
  progress(jobId: string, progress: unknown): void;
  /** Writes what waits now. */
  flush(): Promise<void>;
  /** Forgets the line count of a job that is not run here any more. */
  forget(jobId: string): void;
}

interface Pending {
  progress: string | null;
  firstLine: number;
  lines: string[];
}

/** Lines per attempt leave room for each attempt's numbers: attempt 2 starts at 1 x this. */
const LINES_PER_ATTEMPT = 100_000;

export function createJobNotes(context: WriteContext, clock: Clock, maxLines: number): JobNotes {
  const nextLine = new Map<string, { line: number; written: number }>();
  let pending = new Map<string, Pending>();

  const pendingOf = (jobId: string, firstLine: number): Pending => {
    const known = pending.get(jobId);
    if (known !== undefined) return known;
    const made: Pending = { progress: null, firstLine, lines: [] };
    pending.set(jobId, made);
    return made;
  };

  async function flush(): Promise<void> {
    if (pending.size === 0) return;
    const notes: JobNote[] = [...pending].map(([jobId, each]) => ({ jobId, ...each }));
    pending = new Map();
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
    log(jobId, attempt, message) {
      const count = nextLine.get(jobId) ?? { line: (attempt - 1) * LINES_PER_ATTEMPT, written: 0 };
      nextLine.set(jobId, count);
      if (count.written >= maxLines) return;
      const note = pendingOf(jobId, count.line);
      if (note.lines.length === 0) note.firstLine = count.line;
      note.lines.push(storableText(message, MAX_LINE));
      count.line += 1;
      count.written += 1;
    },
    progress(jobId, progress) {
      const text = progressText(progress);
      if (text !== undefined) pendingOf(jobId, 0).progress = text;
    },
    forget(jobId) {
      nextLine.delete(jobId);
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
