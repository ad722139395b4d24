import { randomUUID } from 'node:crypto';
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
import { readExport } from './files/read-export.ts';
import { writeExport } from './files/write-export.ts';
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
 * `daybook export`: writes the log as NDJSON, to a file once all of it is whole.
 * @throws DaybookError `export-incomplete`, `invalid-options` for a file that cannot be written, and where
 *   no event fits what was asked for
 */
export async function runExport(target: CommandTarget, flags: ExportFlags): Promise<void> {
  const { file, after, filter } = flags;
  await onDatabase(target, async (database) => {
    const note = paced(target);
    const began = performance.now();
    const onProgress = (position: bigint, head: bigint) =>
      note(`Exported up to position ${count(Number(position))} of ${count(Number(head))}`);
    const lines = exportLog(database, { after, filter, onProgress });
    const events = await writeExport(file, fitting(lines, filter));
    const rate = speed(events, performance.now() - began);
    target.note(`Exported ${count(events)} events${rate}.`);
  });
}

/** Events of jobs are these, among the lines of an export. */
const ofJob = '"type":"dev.daybook.job.';

/**
 * The same lines. An export of certain jobs in which there is none is a mistake, and one after which
 * somebody might delete what was to be exported.
 */
async function* fitting<Result>(
  lines: AsyncGenerator<string, Result & { readonly events: number }>,
  { queues, jobTypes, jobs }: EventFilter,
): AsyncGenerator<string, Result & { readonly events: number }> {
  let ofJobs = 0;
  for (;;) {
    const { done, value } = await lines.next();
    if (done !== true) {
      if (value.includes(ofJob)) ofJobs += 1;
      yield value;
      continue;
    }
    const isWrong =
      (queues !== undefined && value.events === 0) ||
      ((jobTypes !== undefined || jobs !== undefined) && ofJobs === 0);
    if (!isWrong) return value;
    const message =
      'Nothing in the log fits what was to be exported: check --queue, --type and --job.';
    throw new DaybookError('invalid-options', message);
  }
}

/**
 * `daybook restore --from ndjson` and `daybook import`: builds all tables from an export, in a database
 * that holds nothing, and proves them.
 * @returns the exit code: 0 where verify finds nothing, else 1
 * @throws DaybookError `database-not-empty`, `restore-busy`, `source-refused`, `invalid-options` for a file that
 *   cannot be read
 */
export async function runRestoreFromFile(
  target: CommandTarget,
  { mode, file }: RestoreFlags,
): Promise<0 | 1> {
  const { name, chunks } = await readExport(file, mode);
  const source = createNdjsonSource({ name, chunks, newToken: randomUUID });
  return runRestore(target, mode, source);
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
