import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { basename } from 'node:path';
import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { databaseOptions, parseOptions } from '../config/options.ts';
import type { EventFilter } from '../domain/event-filter.ts';
import { DaybookError } from '../kernel/errors.ts';
import { migrate } from '../store/migrate.ts';
import { exportLog } from '../transfer/export-log.ts';
import type { LogSource } from '../transfer/log-source.ts';
import { createNdjsonSource } from '../transfer/ndjson-source.ts';
import { type RestoredLog, restoreLog, type RestoreMode } from '../transfer/restore-log.ts';
import { verify } from '../verify/verify.ts';
import { buildReadModels } from './build-read-models.ts';
import { type CommandTarget, onDatabase, paced } from './commands.ts';
import { reportText } from './report-text.ts';
import { count } from './text-table.ts';

export interface ExportFlags {
  /** Where to write; undefined for stdout. */
  readonly file: string | undefined;
  readonly after: bigint;
  readonly filter: EventFilter;
}

export interface RestoreFlags {
  readonly mode: RestoreMode;
  /** Where to read; `-` for stdin. */
  readonly file: string;
}

/**
 * `daybook export`: writes the log as NDJSON. A file bears its name once it is whole; until then, and
 * for good where this is ended, it is called `<file>.part`.
 * @throws DaybookError `export-incomplete`, `invalid-options` for a file that cannot be written
 */
export async function runExport(target: CommandTarget, flags: ExportFlags): Promise<void> {
  const { file, after, filter } = flags;
  await onDatabase(target, async (database) => {
    const note = paced(target);
    const began = performance.now();
    const onProgress = (position: bigint, head: bigint) =>
      note(`Exported up to position ${count(Number(position))} of ${count(Number(head))}`);
    const lines = exportLog(database, { after, filter, onProgress });
    const part = file === undefined ? undefined : `${file}.part`;
    const stream = part === undefined ? process.stdout : createWriteStream(part);
    const events = await failingAs(file, writeLines(stream, lines));
    if (part !== undefined && file !== undefined) {
      await failingAs(file, keep(part, file));
    }
    const rate = speed(events, performance.now() - began);
    target.note(`Exported ${count(events)} events${rate}.`);
  });
}

/** Writes lines as fast as they are taken; answers how many events they were. */
async function writeLines(
  stream: Writable,
  lines: AsyncGenerator<string, { readonly events: number }>,
): Promise<number> {
  let failure: Error | undefined;
  stream.once('error', (error) => {
    failure = error;
  });
  let waiting: string[] = [];
  let length = 0;
  const flush = async () => {
    if (failure !== undefined) throw failure;
    const text = waiting.join('');
    waiting = [];
    length = 0;
    if (!stream.write(text)) await once(stream, 'drain');
  };
  for (;;) {
    const { done, value } = await lines.next();
    if (done === true) {
      await flush();
      if (stream !== process.stdout) await new Promise<void>((resolve) => stream.end(resolve));
      if (failure !== undefined) throw failure;
      return value.events;
    }
    waiting.push(value, '\n');
    length += value.length;
    if (length >= WRITE_AT) await flush();
  }
}

/** Characters that are gathered before they are written. */
const WRITE_AT = 65_536;

/** Gives a file its name once it is on the disk. */
async function keep(part: string, file: string): Promise<void> {
  const handle = await open(part, 'r+');
  await handle.sync();
  await handle.close();
  await rename(part, file);
}

/**
 * `daybook restore --from ndjson` and `daybook import`: builds all tables from an export, in a database
 * that holds nothing, and proves them.
 * @returns the exit code: 0 where verify finds nothing, else 1
 * @throws DaybookError `database-not-empty`, `restore-busy`, `source-refused`
 */
export async function runRestoreFromFile(
  target: CommandTarget,
  { mode, file }: RestoreFlags,
): Promise<0 | 1> {
  const restore = async () => {
    const chunks = file === '-' ? process.stdin : (await open(file)).createReadStream();
    const name = file === '-' ? 'stdin' : basename(file);
    return runRestore(target, mode, createNdjsonSource({ name, chunks, newToken: randomUUID }));
  };
  return failingAs(file, restore());
}

/** The same from any source. */
export async function runRestore(
  target: CommandTarget,
  mode: RestoreMode,
  source: LogSource,
): Promise<0 | 1> {
  const { partitionSpan, schema } = parseOptions(databaseOptions, {
    connectionString: target.connectionString,
    ...(target.schema === undefined ? {} : { schema: target.schema }),
  });
  await migrate({ connection: { connectionString: target.connectionString }, schema });
  return onDatabase(target, async (database) => {
    const note = paced(target);
    const began = performance.now();
    const restored = await restoreLog(database, source, {
      mode,
      partitionSpan,
      onProgress: (events) => note(`Read ${count(events)} events; nothing is kept yet`),
    });
    tellRestored(target, source, restored, performance.now() - began);
    await buildReadModels(database, (model, position, head) =>
      note(`Building ${model}: ${count(Number(position))} of ${count(Number(head))} events`),
    );
    target.note('The read models are built. Now verify proves all tables.');
    const report = await verify(database, {
      onProgress: ({ phase, events, of }) =>
        note(`Verifying the ${phase}: ${count(events)} of ${count(of)} events`),
    });
    target.print(reportText(report));
    const all = speed(restored.events, performance.now() - began);
    target.note(`Everything together: ${count(restored.events)} events${all}.`);
    return report.equal ? 0 : 1;
  });
}

function tellRestored(
  { print }: CommandTarget,
  source: LogSource,
  { events, position, epoch, claims }: RestoredLog,
  ms: number,
): void {
  if (claims === null) {
    print(`The log of ${source.name} is here already, whole and untouched: going on behind it.`);
    return;
  }
  print(`Kept ${count(events)} events from ${source.name}${speed(events, ms)}.`);
  print(`Claim rows: ${count(claims.claims)}, dead jobs: ${count(claims.dead)}.`);
  print(`Opened epoch ${epoch} after position ${position}: log tokens of before are reset.`);
  for (const { id, key } of claims.keyless) {
    print(`Without its unique key "${key}", which another live job holds: ${id}.`);
  }
}

function speed(events: number, ms: number): string {
  const seconds = ms / 1_000;
  return ` in ${seconds.toFixed(1)} s (${count(Math.round(events / seconds))}/s)`;
}

/** A file that cannot be read or written is told by its name. */
async function failingAs<Result>(file: string | undefined, work: Promise<Result>): Promise<Result> {
  try {
    return await work;
  } catch (error) {
    const isOfFile = error instanceof Error && 'syscall' in error && 'path' in error;
    if (!isOfFile) throw error;
    const message = `${file ?? 'The file'} cannot be used: ${error.message}`;
    throw new DaybookError('invalid-options', message, { cause: error });
  }
}
