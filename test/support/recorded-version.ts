import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { brotliDecompressSync } from 'node:zlib';
import type * as library from '../../src/daybook.ts';
import { sha256 } from '../../src/kernel/ids.ts';

const records = fileURLToPath(new URL('../recorded/', import.meta.url));
const suffix = '.json.br';
/** Inside the project, so that what is unpacked finds its packages. */
const unpacked = fileURLToPath(new URL('../../test-results/recorded/', import.meta.url));

/** The versions that scripts/record-version.mjs has recorded, the newest last. */
export async function recordedVersions(): Promise<string[]> {
  const names = (await readdir(records)).filter((name) => name.endsWith(suffix));
  const versions = names.map((name) => name.slice(0, -suffix.length));
  return versions.toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }));
}

/** What was recorded of a version: texts, by their path in the package. */
export async function readRecord(version: string): Promise<Readonly<Record<string, string>>> {
  const packed = await readFile(join(records, `${version}${suffix}`));
  return JSON.parse(brotliDecompressSync(packed).toString('utf8')) as Record<string, string>;
}

/** The library of a recorded version, as a program that has installed it gets it. */
export async function loadVersion(version: string): Promise<typeof library> {
  const files = await readRecord(version);
  const folder = join(unpacked, `${version}-${sha256(JSON.stringify(files)).slice(0, 12)}`);
  if (!existsSync(folder)) await unpack(files, folder);
  const door = pathToFileURL(join(folder, 'dist', 'daybook.js')).href;
  return (await import(/* @vite-ignore */ door)) as typeof library;
}

async function unpack(files: Readonly<Record<string, string>>, folder: string): Promise<void> {
  await mkdir(dirname(folder), { recursive: true });
  const draft = await mkdtemp(`${folder}.new-`);
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(draft, path)), { recursive: true });
    await writeFile(join(draft, path), text);
  }
  // Another run may have been faster: its copy is as good.
  await rename(draft, folder).catch(() => rm(draft, { recursive: true }));
}
