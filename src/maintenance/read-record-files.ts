import { readFile } from 'node:fs/promises';
import { DaybookError } from '../kernel/errors.ts';
import type { ClientRecord } from '../verify/safety/witnesses/client-record.ts';
import {
  type ClientRecords,
  parseClientRecords,
  sortClientRecords,
} from '../verify/safety/witnesses/client-records.ts';

/**
 * Reads files of client records, JSON lines each.
 * @throws DaybookError `invalid-options` for a file that is not there or holds something else
 */
export async function readRecordFiles(paths: readonly string[]): Promise<ClientRecords> {
  const records: ClientRecord[][] = [];
  for (const path of paths) {
    try {
      records.push([...parseClientRecords(await readFile(path, 'utf8'))]);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new DaybookError('invalid-options', `--records ${path}: ${why}`, { cause: error });
    }
  }
  return sortClientRecords(records.flat());
}
