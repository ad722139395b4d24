import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

/** Stands in for npm: notes how it was called, waits for the file `go` and installs as the lock file says. */
const fakeNpm = `#!/bin/sh
echo "$@" >> npm-calls
echo added 1 package
until [ -e go ]; do sleep 0.02; done
[ -n "$FAIL" ] && exit "$FAIL"
mkdir -p node_modules && cp package-lock.json node_modules/.package-lock.json
`;

let project: string;
const running: ChildProcess[] = [];

beforeEach(async () => {
  project = await mkdtemp(join(tmpdir(), 'daybook-install-'));
  await mkdir(join(project, 'bin'));
  await writeFile(join(project, 'bin', 'npm'), fakeNpm);
  await chmod(join(project, 'bin', 'npm'), 0o755);
  await writeFile(join(project, 'go'), '');
  const script = fileURLToPath(new URL('../../scripts/ensure-installed.mjs', import.meta.url));
  await cp(script, join(project, 'scripts', 'ensure-installed.mjs'));
  await lock({ 'node_modules/tsx': { version: '4.0.0' } });
});

afterEach(async () => {
  // A failed test must not leave a process that waits for `go`; the group takes the false npm along.
  for (const child of running.splice(0)) {
    if (child.exitCode === null && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  }
  await rm(project, { recursive: true, force: true });
});

async function lock(packages: Record<string, { version: string; dev?: true; optional?: true }>) {
  const content = { lockfileVersion: 3, packages: { '': { name: 'daybook' }, ...packages } };
  await writeFile(join(project, 'package-lock.json'), JSON.stringify(content));
}

function ensureInstalled(extra: Record<string, string> = {}, args: readonly string[] = []) {
  const { npm_execpath: _, ...inherited } = process.env;
  const env = {
    ...inherited,
    PATH: `${join(project, 'bin')}${delimiter}${process.env['PATH']}`,
    ...extra,
  };
  const script = join(project, 'scripts', 'ensure-installed.mjs');
  const child = spawn(process.execPath, [script, ...args], { env, detached: true });
  running.push(child);
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  const printed = text(child.stdout);
  const result = once(child, 'close').then(async ([code]) => ({
    code,
    said,
    printed: await printed,
  }));
  return { result, said: () => said };
}

async function npmCalls(): Promise<string[]> {
  const calls = await readFile(join(project, 'npm-calls'), 'utf8').catch(() => '');
  return calls.split('\n').filter((line) => line !== '');
}

describe('ensureInstalled', () => {
  it('installs what is missing, once, and keeps stdout clean', async () => {
    expect(await ensureInstalled().result).toMatchObject({ code: 0, printed: '' });
    expect(await npmCalls()).toEqual(['install --no-save --no-audit --no-fund']);
    expect(await ensureInstalled().result).toEqual({ code: 0, printed: '', said: '' });
    expect(await npmCalls()).toHaveLength(1);
  });

  it('installs in another folder, if given one', async () => {
    const other = join(project, 'other');
    await mkdir(other);
    await cp(join(project, 'package-lock.json'), join(other, 'package-lock.json'));
    await writeFile(join(other, 'go'), '');
    expect(await ensureInstalled({}, [other]).result).toMatchObject({ code: 0 });
    expect(await npmCalls()).toEqual([]);
    expect(await readFile(join(other, 'npm-calls'), 'utf8')).toContain('install --no-save');
  });

  it('installs again when the lock file names something else', async () => {
    await ensureInstalled().result;
    await lock({ 'node_modules/tsx': { version: '4.0.1' } });
    await ensureInstalled().result;
    expect(await npmCalls()).toHaveLength(2);
    await lock({
      'node_modules/tsx': { version: '4.0.1' },
      'node_modules/pg': { version: '8.0.0' },
    });
    await ensureInstalled().result;
    expect(await npmCalls()).toHaveLength(3);
  });

  it('accepts what somebody installed by hand, also without what npm may leave out', async () => {
    const tsx = { 'node_modules/tsx': { version: '4.0.0' } };
    await mkdir(join(project, 'node_modules'));
    await writeFile(
      join(project, 'node_modules', '.package-lock.json'),
      JSON.stringify({ packages: tsx }),
    );
    await lock({
      ...tsx,
      'node_modules/mac': { version: '1.0.0', optional: true },
      'node_modules/vitest': { version: '4.0.0', dev: true },
    });
    expect(await ensureInstalled().result).toMatchObject({ code: 0 });
    expect(await npmCalls()).toEqual([]);
  });

  it('installs when some of what is for development is there, but not all', async () => {
    const vitest = { 'node_modules/vitest': { version: '4.0.0', dev: true } } as const;
    await mkdir(join(project, 'node_modules'));
    await writeFile(
      join(project, 'node_modules', '.package-lock.json'),
      JSON.stringify({ packages: vitest }),
    );
    await lock({ ...vitest, 'node_modules/knip': { version: '6.0.0', dev: true } });
    await ensureInstalled().result;
    expect(await npmCalls()).toHaveLength(1);
  });

  it('installs when an install was interrupted', async () => {
    await mkdir(join(project, 'node_modules'));
    await ensureInstalled().result;
    expect(await npmCalls()).toHaveLength(1);
  });

  it('ends with one sentence and npm’s exit code when npm fails', async () => {
    const { code, said } = await ensureInstalled({ FAIL: '7' }).result;
    expect(code).toBe(7);
    expect(said.trim().split('\n').at(-1)).toBe(
      'npm install failed with exit code 7: mend what it names above, and start again.',
    );
    await ensureInstalled().result;
    expect(await npmCalls()).toHaveLength(2);
  });

  it('installs once when two start at once', async () => {
    await rm(join(project, 'go'));
    const first = ensureInstalled();
    await vi.waitFor(async () => expect(await npmCalls()).toHaveLength(1));
    const second = ensureInstalled();
    await vi.waitFor(() => expect(second.said()).toContain('Waiting for the install that process'));
    await writeFile(join(project, 'go'), '');
    expect(await Promise.all([first.result, second.result])).toMatchObject([
      { code: 0 },
      { code: 0 },
    ]);
    expect(await npmCalls()).toHaveLength(1);
  });

  it('does not wait for a process that died while it installed', async () => {
    const dead = spawn(process.execPath, ['-e', '']);
    await once(dead, 'exit');
    await mkdir(join(project, '.daybook', 'install.lock'), { recursive: true });
    await writeFile(join(project, '.daybook', 'install.lock', 'pid'), String(dead.pid));
    expect(await ensureInstalled().result).toMatchObject({ code: 0 });
    expect(await npmCalls()).toHaveLength(1);
  });

  it('refuses an old Node before anything else', async () => {
    const pretend = "Object.defineProperty(process, 'versions', { value: { node: '20.18.3' } })";
    const { code, said } = await ensureInstalled({
      NODE_OPTIONS: `--import "data:text/javascript,${encodeURIComponent(pretend)}"`,
    }).result;
    expect({ code, said }).toEqual({
      code: 1,
      said: 'Daybook needs Node 20.19 or newer, and this is 20.18.3: install a newer one from https://nodejs.org.\n',
    });
    expect(await npmCalls()).toEqual([]);
  });
});
