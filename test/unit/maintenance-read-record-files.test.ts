import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { readRecordFiles } from '../../src/maintenance/read-record-files.ts';

const folder = mkdtempSync(join(tmpdir(), 'daybook-records-'));
afterAll(() => rmSync(folder, { recursive: true }));

const jobId = '0198e0f2-6f2c-7cc3-98c1-2f5d4c1a7b11';
function file(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

it('reads several files as one', async () => {
  const submitted = file('a', `{"kind":"submitted","jobId":"${jobId}"}\n`);
  const started = file('b', `{"kind":"handler-started","jobId":"${jobId}","claimVersion":2}\n`);
  const records = await readRecordFiles([submitted, started]);
  expect([...records.submitted]).toEqual([jobId]);
  expect(records.counts).toMatchObject({ submitted: 1, 'handler-started': 1 });
});

it('names the file that is not there, holds something else, or speaks of no claim', async () => {
  for (const [path, why] of [
    [join(folder, 'none'), 'ENOENT'],
    [file('c', '{}\n'), 'Line 1 is no client record: {}'],
    [file('d', `{"kind":"handler-started","jobId":"${jobId}"}\n`), 'Line 1 is no client record'],
  ] as const) {
    const failure: unknown = await readRecordFiles([path]).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'invalid-options' });
    expect(String(failure)).toContain(why);
  }
});
