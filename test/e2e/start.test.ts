import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ScriptProcess, startDaybook } from '../../scripts/script-process.ts';
import { getJson, postJson, readUntil } from '../support/http.ts';
import { hasTools } from '../support/system-tool.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const fixtures = fileURLToPath(new URL('fixtures/jobs.ts', import.meta.url));
const hasEnded = ({ state }: { state: string }) =>
  ['completed', 'dead', 'cancelled'].includes(state);

let folder: string;
let started: ScriptProcess[];
/** Where a start put its data instead, if it did. */
let elsewhere = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'daybook-start-'));
  // mkdtemp's 0700 would move the data of a root start elsewhere; one test wants that, the others not.
  chmodSync(folder, 0o755);
  started = [];
});

afterEach(async () => {
  for (const each of started) await each.stop('SIGTERM');
  // A killed start leaves its Postgres to the next one: let that stop it.
  rmSync(folder, { recursive: true, force: true });
  if (elsewhere !== '') rmSync(elsewhere, { recursive: true, force: true });
});

/** `daybook start` with the embedded Postgres, as `npm start` runs it. */
async function start(...flags: string[]): Promise<ScriptProcess & { url: string }> {
  const daybook = launch(...flags);
  const [, url = ''] = await daybook.line(/listens at (\S+)/);
  return Object.assign(daybook, { url });
}

function launch(...flags: string[]): ScriptProcess {
  const args = ['start', '--port', '0', '--data', join(folder, 'data'), ...flags];
  const daybook = startDaybook(args, { env: { DATABASE_URL: '' }, group: true });
  started.push(daybook);
  return daybook;
}

/** The status of a request whose Host header says so. */
function statusAs(url: string, host: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const asked = get(`${url}/health/live`, { headers: { host } }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    });
    asked.on('error', reject);
  });
}

function expectOneSentence(output: string, code: string): void {
  expect(output).toContain(`[${code}]`);
  expect(output).not.toMatch(/\n\s+at /);
}

describe('daybook start', () => {
  it.runIf(hasTools('curl'))('runs the printed curl to its end', async () => {
    const { url, output, line } = await start();
    const [curl] = await line(/curl -s .*/);
    const { job } = JSON.parse(execFileSync('sh', ['-c', curl], { cwd: root, encoding: 'utf8' }));
    const ended = await readUntil(`${url}/v1/jobs/${job.id}`, hasEnded);
    const readme = readFileSync(join(root, 'README.md'));
    expect(ended.state).toBe('completed');
    expect(ended.result).toMatchObject({
      sha256: createHash('sha256').update(readme).digest('hex'),
      lines: readme.toString().split('\n').length - 1,
    });
    const { body } = await getJson(`${url}/v1/jobs/${job.id}/events`);
    expect(body.data.map((event: { type: string }) => event.type)).toEqual([
      'JobSubmitted',
      'JobClaimed',
      'JobCompleted',
    ]);
    expect(body.data.map((event: { version: number }) => event.version)).toEqual([1, 2, 3]);
    expect(output).not.toMatch(/warn/i);
  });

  it('retries a missing file, and then the job is dead', async () => {
    const { url } = await start();
    const payload = { path: 'no-such-file' };
    const submitted = await postJson(`${url}/v1/jobs`, { type: 'checksum', payload });
    const ended = await readUntil(`${url}/v1/jobs/${submitted.body.job.id}`, hasEnded);
    expect(ended.state).toBe('dead');
    const { body } = await getJson(`${url}/v1/jobs/${submitted.body.job.id}/events`);
    const types = body.data.map((event: { type: string }) => event.type);
    expect(types.filter((type: string) => type === 'JobRetried')).toHaveLength(2);
    expect(types.at(-1)).toBe('JobDead');
  });

  it('drains on Ctrl-C to the whole group, and finds everything again', async () => {
    const first = await start('--jobs', fixtures);
    const slow = await postJson(`${first.url}/v1/jobs`, { type: 'slow', payload: { ms: 3_000 } });
    const later = await postJson(`${first.url}/v1/jobs`, { type: 'echo', delayMs: 3_600_000 });
    const id = slow.body.job.id as string;
    await readUntil(`${first.url}/v1/jobs/${id}`, ({ state }) => state === 'running');
    expect(await first.stop('SIGINT')).toBe(0);
    const second = await start('--jobs', fixtures);
    const finished = await getJson(`${second.url}/v1/jobs/${id}`);
    expect(finished.body).toMatchObject({ state: 'completed', result: 'done' });
    const waiting = await getJson(`${second.url}/v1/jobs/${later.body.job.id}`);
    expect(waiting.body.state).toBe('scheduled');
  });

  it('starts again after SIGKILL, on the Postgres that was left running', async () => {
    const first = await start('--jobs', fixtures);
    const { body } = await postJson(`${first.url}/v1/jobs`, { type: 'echo', payload: 'kept' });
    await readUntil(`${first.url}/v1/jobs/${body.job.id}`, hasEnded);
    await first.stop('SIGKILL');
    const second = await start('--jobs', fixtures);
    expect(second.output).toContain('was killed');
    const found = await getJson(`${second.url}/v1/jobs/${body.job.id}`);
    expect(found.body).toMatchObject({ state: 'completed', result: 'kept' });
  });

  it('serves the hosts it is told, beside loopback, and says that there are no keys', async () => {
    const { url, line } = await start('--host', '0.0.0.0', '--allow-host', 'queue.internal');
    await line(/Listening on 0\.0\.0\.0: there is no authentication yet/);
    expect(await statusAs(url, 'queue.internal:7070')).toBe(200);
    expect(await statusAs(url, '127.0.0.1')).toBe(200);
    expect(await statusAs(url, 'elsewhere.internal')).toBe(403);
  });

  it('says in one sentence that the port is taken', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => {
      other.listen(0, '127.0.0.1', resolve);
    });
    const { port } = other.address() as { port: number };
    const daybook = launch('--port', String(port));
    expect(await daybook.exited).toBe(1);
    expectOneSentence(daybook.output, 'port-in-use');
    other.close();
  });

  it('says in one sentence that the data folder cannot be used', async () => {
    const data = join(folder, 'file');
    writeFileSync(data, 'not a folder');
    const daybook = launch('--data', data);
    expect(await daybook.exited).toBe(1);
    expectOneSentence(daybook.output, 'embedded-postgres-failed');
  });

  it('says in one sentence what is wrong with a jobs module', async () => {
    const broken = join(folder, 'jobs.mjs');
    writeFileSync(broken, 'export const jobs = 42;');
    const daybook = launch('--jobs', broken);
    expect(await daybook.exited).toBe(1);
    expectOneSentence(daybook.output, 'jobs-module-invalid');
  });

  it.runIf(process.getuid?.() === 0)('runs as root under a folder closed to others', async () => {
    const closed = join(folder, 'closed');
    mkdirSync(closed);
    chmodSync(closed, 0o700);
    const { url, output } = await start('--data', join(closed, 'data'));
    expect((await getJson(`${url}/health/ready`)).status).toBe(200);
    const [moved = ''] = /\/var\/lib\/daybook\/\w+/.exec(output) ?? [];
    expect(moved).not.toBe('');
    elsewhere = moved;
  });
});
