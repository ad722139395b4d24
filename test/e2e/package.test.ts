import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
let folder: string;

/** What `npm publish` would send, unpacked as if it were installed. */
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'daybook-package-'));
  execFileSync('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: root });
  execFileSync('sh', ['-c', 'tar -xzf daybook-*.tgz'], { cwd: folder });
  symlinkSync(join(root, 'node_modules'), join(folder, 'package', 'node_modules'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const node = (...args: string[]) =>
  execFileSync(process.execPath, args, { cwd: join(folder, 'package'), encoding: 'utf8' }).trim();

it('has a bin that knows its version and its commands', () => {
  expect(node('dist/main.js', '--version')).toMatch(/^\d+\.\d+\.\d+$/);
  expect(node('dist/main.js', '--help')).toMatch(/start[\s\S]*worker[\s\S]*migrate/);
});

it('has three doors, in plain JavaScript, and the migrations', () => {
  const script = join(folder, 'package', 'look.mjs');
  writeFileSync(
    script,
    `import * as library from 'daybook'; import * as testing from 'daybook/testing';
     import * as client from 'daybook/client';
     console.log(typeof library.openDaybook, typeof library.defineJob, typeof testing.drain,
       typeof testing.given, typeof client.createClient);`,
  );
  expect(node(script)).toBe('function function function function function');
  const files = execFileSync('ls', [join(folder, 'package', 'migrations')], { encoding: 'utf8' });
  expect(files).toContain('0001_log.sql');
});
