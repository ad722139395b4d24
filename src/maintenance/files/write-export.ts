import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { open, rename, rm, stat } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import { DaybookError } from '../../kernel/errors.ts';
import { failingAs } from './failing-as.ts';

/** Lines of an export, and at the end how many events they are. */
type Lines = AsyncGenerator<string, { readonly events: number }>;

/** Characters that are gathered before they are written. */
const WRITE_AT = 65_536;

/**
 * Writes an export. A file bears its name once it is whole; until then it is called `<file>.part`, and what is
 * there under its name stays as it is. A process that is killed leaves that behind; a failure does not.
 * @param file undefined for stdout
 * @returns how many events were written @throws DaybookError `invalid-options` for a file that cannot be written
 */
export async function writeExport(file: string | undefined, lines: Lines): Promise<number> {
  if (file === undefined) return writeLines(process.stdout, lines);
  const there = await stat(file).catch(() => undefined);
  if (there?.isDirectory() === true) {
    throw new DaybookError('invalid-options', `${file} is a folder: name a file in it.`);
  }
  const part = `${file}.part`;
  try {
    const events = await failingAs(file, writeLines(createWriteStream(part), lines));
    await failingAs(file, keep(part, file));
    return events;
  } catch (error) {
    await rm(part, { force: true }).catch(() => undefined);
    throw error;
  }
}

/** Writes lines as fast as they are taken; answers how many events they were. */
async function writeLines(stream: Writable, lines: Lines): Promise<number> {
  let failure: Error | undefined;
  stream.once('error', (error) => {
    failure = error;
  });
  let waiting: string[] = [];
  let length = 0;
  const flush = async () => {
    if (failure !== undefined) throw endOf(failure);
    const text = waiting.join('');
    waiting = [];
    length = 0;
    if (stream.write(text)) return;
    await once(stream, 'drain').catch((error: unknown) => {
      throw endOf(error);
    });
  };
  for (;;) {
    const { done, value } = await lines.next();
    if (done === true) {
      await flush();
      if (stream !== process.stdout) await new Promise<void>((resolve) => stream.end(resolve));
      if (failure !== undefined) throw endOf(failure);
      return value.events;
    }
    waiting.push(value, '\n');
    length += value.length;
    if (length >= WRITE_AT) await flush();
  }
}

/** Of a pipe that is closed at its other end; every other failure as it is. */
function endOf(failure: unknown): unknown {
  if ((failure as NodeJS.ErrnoException).code !== 'EPIPE') return failure;
  const message = 'Whoever reads the export has stopped reading, and has not all of it.';
  return new DaybookError('export-incomplete', message, { cause: failure });
}

/** Gives a file its name once it is on the disk. */
async function keep(part: string, file: string): Promise<void> {
  const handle = await open(part, 'r+');
  await handle.sync();
  await handle.close();
  await rename(part, file);
}
