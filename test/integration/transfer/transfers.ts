import { randomUUID } from 'node:crypto';
import { buildReadModels } from '../../../src/maintenance/build-read-models.ts';
import type { Database } from '../../../src/store/database.ts';
import { chained } from '../../../src/transfer/event-line.ts';
import { type ExportOptions, exportLog } from '../../../src/transfer/export-log.ts';
import { createNdjsonSource } from '../../../src/transfer/ndjson-source.ts';
import {
  type RestoredLog,
  restoreLog,
  type RestoreMode,
} from '../../../src/transfer/restore-log.ts';

/** The lines of an export. */
export async function exported(database: Database, options?: ExportOptions): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of exportLog(database, options)) lines.push(line);
  return lines;
}

/** Without what differs from one log to the other: the first line and the last. */
export function eventsOf(lines: readonly string[]): readonly string[] {
  return lines.slice(1, -1);
}

/** Restores lines, which come in pieces that are cut anywhere, and builds the read models. */
export async function restored(
  database: Database,
  lines: readonly string[],
  mode: RestoreMode = 'restore',
): Promise<RestoredLog> {
  const log = await restoredFrom(database, pieces(`${lines.join('\n')}\n`), mode);
  await buildReadModels(database, () => undefined);
  return log;
}

export function restoredFrom(
  database: Database,
  chunks: AsyncIterable<Uint8Array>,
  mode: RestoreMode = 'restore',
): Promise<RestoredLog> {
  const source = createNdjsonSource({ name: 'test', chunks, newToken: randomUUID });
  return restoreLog(database, source, { mode, partitionSpan: 2 ** 16 });
}

async function* pieces(text: string): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let from = 0; from < bytes.length; from += 1_009) {
    yield await Promise.resolve(bytes.subarray(from, from + 1_009));
  }
}

/** The chain made anew, as one would who wants to pass off other lines as exported. */
export function rechained(lines: readonly string[]): string[] {
  let link = '';
  return lines.map((line, index) => {
    const next = chained(line.replace(/,"chain":"\w+"\}$/, '}'), link);
    if (index > 0) ({ link } = next);
    return next.line;
  });
}
