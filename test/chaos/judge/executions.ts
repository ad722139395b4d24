import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Files in which processes wrote what they saw. */
export function recordFiles(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.records.jsonl'))
    .map((name) => join(folder, name));
}

/** How often the handler of each job was started, as its processes wrote before it did anything. */
export function countExecutions(files: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const file of files) {
    for (const line of readFileSync(file, 'utf8').split('\n')) {
      if (!line.includes('"handler-started"')) continue;
      const { jobId } = JSON.parse(line) as { jobId: string };
      counts.set(jobId, (counts.get(jobId) ?? 0) + 1);
    }
  }
  return counts;
}
