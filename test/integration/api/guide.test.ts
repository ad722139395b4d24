import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { hasTools } from '../../support/system-tool.ts';
import { createTestApi, type TestApi } from './api-server.ts';

let api: TestApi;
let folder: string;
beforeAll(async () => {
  api = await createTestApi();
  await api.startReaders();
  folder = await mkdtemp(join(tmpdir(), 'daybook-guide-'));
});
afterAll(async () => {
  await api.close();
  await rm(folder, { recursive: true });
});

it.runIf(hasTools('bash', 'curl', 'jq'))('docs/api.md works as it is written', async () => {
  const page = await readFile(new URL('../../../docs/api.md', import.meta.url), 'utf8');
  const blocks = [...page.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, code]) => code);
  expect(blocks.length).toBeGreaterThan(6);
  const origin = await api.listen();
  const script = blocks.join('\n').replaceAll('http://127.0.0.1:7070', origin);
  const run = promisify(execFile)('bash', ['-euxo', 'pipefail', '-c', script], { cwd: folder });
  // What went wrong is in stderr, where `-x` shows the last command.
  const { stdout } = await run.catch((error: unknown) => {
    const { stdout: before, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`${before}\n${stderr.slice(-2_000)}`, { cause: error });
  });
  const said = stdout.split('\n');
  expect(said).toEqual(
    expect.arrayContaining(['scheduled', 'ready', 'slow', 'cancelled', 'recorded']),
  );
  expect(said).toEqual(expect.arrayContaining(['retrying', '"mailer-1"', 'daybook_up 1']));
  expect(said).toEqual(expect.arrayContaining(['caught-up']));
  // The two submissions with one idempotency key.
  const ids = said.filter((line) => /^[0-9a-f]{8}-[0-9a-f-]{27}$/.test(line));
  expect(ids).toHaveLength(2);
  expect(ids[0]).toBe(ids[1]);
});
