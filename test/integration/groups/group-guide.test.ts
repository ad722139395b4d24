import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { hasTools } from '../../support/system-tool.ts';
import { createTestApi, type TestApi } from '../api/api-server.ts';

let api: TestApi;
let folder: string;
beforeAll(async () => {
  api = await createTestApi();
  await api.startReaders();
  folder = await mkdtemp(join(tmpdir(), 'daybook-groups-'));
});
afterAll(async () => {
  await api.close();
  await rm(folder, { recursive: true });
});

it.runIf(hasTools('bash', 'curl', 'jq'))('the guide works as it is written', async () => {
  const url = new URL('../../../docs/guides/consumer-groups.md', import.meta.url);
  const page = await readFile(url, 'utf8');
  const blocks = [...page.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, code]) => code);
  expect(blocks).toHaveLength(7);
  const origin = await api.listen();
  const script = blocks.join('\n').replaceAll('http://127.0.0.1:7070', origin);
  const run = promisify(execFile)('bash', ['-euxo', 'pipefail', '-c', script], { cwd: folder });
  const { stdout } = await run.catch((error: unknown) => {
    const { stdout: before, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`${before}\n${stderr.slice(-2_000)}`, { cause: error });
  });
  expect(stdout).toMatch(/"type": "dev\.daybook\.job\.submitted\.v1"/);
  expect(stdout).toMatch(/"reason": "no such customer"/);
  const said = stdout.split('\n').filter((line) => /^[a-z0-9-]+$/.test(line));
  // Acked, parked, one replayed, and back at the beginning.
  expect(said).toEqual(['recorded', 'parked', '1', '0']);
});
