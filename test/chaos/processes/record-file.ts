import { openSync, writeSync } from 'node:fs';

/** A file of JSON lines that outlives its process: what is added is with the system at once. */
export interface RecordFile<Line extends object> {
  add(line: Line): void;
}

export function openRecordFile<Line extends object>(path: string): RecordFile<Line> {
  const file = openSync(path, 'a');
  return {
    add(line) {
      writeSync(file, `${JSON.stringify(line)}\n`);
    },
  };
}
