import { describe, expect, it } from 'vitest';
import type { WriteContext } from '../../../src/commands/write-context.ts';
import { silentObserver } from '../../../src/kernel/observer.ts';
import type { JobNote } from '../../../src/store/statements/write-notes.ts';
import { createFakeClock } from '../../../src/testing/fake-clock.ts';
import { createJobNotes } from '../../../src/workers/job-notes.ts';

/** Notes of a worker on a database that is made up, and what was written there at each flush. */
function keepNotes(maxLines: number) {
  const written: JobNote[][] = [];
  const run = async (_statement: unknown, { notes }: { notes: JobNote[] }) => {
    written.push(notes);
    return [];
  };
  const context = { database: { run }, random: () => 0, observer: silentObserver };
  const notes = createJobNotes(context as unknown as WriteContext, createFakeClock(), maxLines);
  return { notes, written };
}

const linesOf = (written: JobNote[][], jobId: string) =>
  written.flat().flatMap((note) => (note.jobId === jobId ? note.lines : []));

describe('the log of a job', () => {
  it('ends at so many lines of a run, however often they are written', async () => {
    const { notes, written } = keepNotes(3);
    for (let line = 0; line < 10; line += 1) {
      notes.log('a', `line ${line}`);
      await notes.flush();
    }
    notes.log('b', 'of another job');
    await notes.flush();
    expect(linesOf(written, 'a')).toEqual(['line 0', 'line 1', 'line 2']);
    expect(linesOf(written, 'b')).toEqual(['of another job']);
    notes.forget('a');
    notes.log('a', 'of the next run');
    await notes.flush();
    expect(linesOf(written, 'a').at(-1)).toBe('of the next run');
  });

  it('holds no line longer than 2,000 characters, and none that Postgres cannot keep', async () => {
    const { notes, written } = keepNotes(10);
    notes.log('a', 'x'.repeat(5_000));
    notes.log('a', 'nul \u0000');
    await notes.flush();
    const [long = '', nul] = linesOf(written, 'a');
    expect(long).toHaveLength(2_000);
    expect(long.endsWith('…')).toBe(true);
    expect(nul).toBe('nul \uFFFD');
  });

  it('takes no more memory than 8 MiB while it cannot be written, and goes on then', async () => {
    const { notes, written } = keepNotes(100_000);
    for (let line = 0; line < 10_000; line += 1) notes.log(`job-${line % 7}`, 'x'.repeat(2_000));
    notes.progress('late', 'left out');
    await notes.flush();
    const kept = written.flat().flatMap(({ lines }) => lines);
    const characters = kept.reduce((sum, line) => sum + line.length, 0);
    expect(characters).toBeGreaterThan(7 * 1_048_576);
    expect(characters).toBeLessThanOrEqual(8 * 1_048_576);
    expect(written.flat().some(({ jobId }) => jobId === 'late')).toBe(false);
    notes.log('late', 'again');
    await notes.flush();
    expect(linesOf(written, 'late')).toEqual(['again']);
  });
});

describe('the progress of a job', () => {
  it('is the newest, and nothing is written where there is nothing new', async () => {
    const { notes, written } = keepNotes(10);
    notes.progress('a', { percent: 1 });
    notes.progress('a', { percent: 2 });
    await notes.flush();
    await notes.flush();
    expect(written).toEqual([[{ jobId: 'a', progress: '{"percent":2}', lines: [] }]]);
  });

  it('is left out where it is no JSON or longer than 10,000 characters, and never throws', async () => {
    const { notes, written } = keepNotes(10);
    const circle: Record<string, unknown> = {};
    circle['self'] = circle;
    const wild = [circle, 1n, undefined, () => 1, Array.from({ length: 6_000 }, () => 1)];
    for (const progress of wild) notes.progress('a', progress);
    await notes.flush();
    expect(written).toEqual([]);
  });
});
