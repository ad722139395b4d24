// Records this version of Daybook, so that tests can run it beside a later one:
//
//   npm run record:version      writes test/recorded/<version>.json.br
//
// It holds the library as it is shipped, without declarations and comments, and the migrations. To be run
// once for each release, from its commit; a record is never made anew for a version that was released.

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync } from 'node:zlib';

const project = fileURLToPath(new URL('..', import.meta.url));
const { version } = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8'));
const built = mkdtempSync(join(tmpdir(), 'daybook-record-'));
try {
  const tsc = join(project, 'node_modules', '.bin', 'tsc');
  const flags = ['--outDir', built, '--declaration', 'false', '--removeComments'];
  const { status } = spawnSync(tsc, ['-p', 'tsconfig.build.json', ...flags], {
    cwd: project,
    stdio: 'inherit',
  });
  if (status !== 0) process.exit(status ?? 1);
  const files = { 'package.json': JSON.stringify({ name: 'daybook', version, type: 'module' }) };
  for (const path of reachable('daybook.js')) {
    files[`dist/${path}`] = readFileSync(join(built, path), 'utf8');
  }
  for (const name of readdirSync(join(project, 'migrations')).toSorted()) {
    files[`migrations/${name}`] = readFileSync(join(project, 'migrations', name), 'utf8');
  }
  const folder = join(project, 'test', 'recorded');
  mkdirSync(folder, { recursive: true });
  const packed = brotliCompressSync(JSON.stringify(files));
  writeFileSync(join(folder, `${version}.json.br`), packed);
  const kilobytes = Math.round(packed.length / 1_000);
  console.log(`Recorded ${version}: ${Object.keys(files).length} files, ${kilobytes} kB.`);
} finally {
  rmSync(built, { recursive: true });
}

/**
 * The modules that one imports or starts as a thread, and those that these do, sorted.
 * @param {string} entry
 */
function reachable(entry) {
  const found = new Set([entry]);
  // A set goes on with what is added while it is walked.
  for (const path of found) {
    const text = readFileSync(join(built, path), 'utf8');
    for (const [, specifier = ''] of text.matchAll(
      /(?:from|import|URL\()\s*['"](\.[^'"]+\.js)['"]/g,
    )) {
      found.add(posix.join(posix.dirname(path), specifier));
    }
  }
  return [...found].toSorted();
}
