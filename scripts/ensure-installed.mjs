// Installs what package-lock.json asks for, if that is not what node_modules holds. Plain JavaScript
// without dependencies, because it runs before there are any.
//
//   node scripts/ensure-installed.mjs [folder]     exits 0 once everything is installed

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const neededNode = { major: 20, minor: 19 };
/** A lock whose maker died before it wrote its pid into it is given up after this time. */
const namelessLockMs = 10_000;

/** Why nothing could be installed: one sentence, and the exit code for the process. */
export class InstallError extends Error {
  /**
   * @param {string} message
   * @param {number} exitCode
   */
  constructor(message, exitCode) {
    super(message);
    this.name = 'InstallError';
    this.exitCode = exitCode;
  }
}

/**
 * Makes node_modules hold what package-lock.json names, running `npm install` if it does not. Safe when
 * two processes do it at once: the second waits for the first.
 * @param {string} [project] the folder of package.json
 * @returns {Promise<void>}
 * @throws {InstallError} when Node is too old or `npm install` fails
 */
export async function ensureInstalled(project = dirname(dirname(fileURLToPath(import.meta.url)))) {
  checkNode(process.versions.node);
  if (!existsSync(join(project, 'package-lock.json'))) {
    throw new InstallError(
      `${project} has no package-lock.json, which says what to install: restore it from the repository.`,
      1,
    );
  }
  if (isInstalled(project)) return;
  const release = await lock(project);
  try {
    // Another process may have done it while we waited.
    if (isInstalled(project)) return;
    await install(project);
    writeFileSync(hashFile(project), lockHash(project));
  } finally {
    release();
  }
}

/** @param {string} version */
function checkNode(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > neededNode.major || (major === neededNode.major && minor >= neededNode.minor)) return;
  const needed = `${neededNode.major}.${neededNode.minor}`;
  throw new InstallError(
    `Daybook needs Node ${needed} or newer, and this is ${version}: install a newer one from https://nodejs.org.`,
    1,
  );
}

/**
 * The hash written after the last install is the quick answer. Where it is missing or old, somebody
 * may have run npm by hand, so npm's own record of what it installed decides, and the hash is renewed.
 * @param {string} project
 */
function isInstalled(project) {
  const record = join(project, 'node_modules', '.package-lock.json');
  if (!existsSync(record)) return false;
  const hash = lockHash(project);
  if (existsSync(hashFile(project)) && readFileSync(hashFile(project), 'utf8') === hash)
    return true;
  const wanted = JSON.parse(readFileSync(join(project, 'package-lock.json'), 'utf8')).packages;
  const installed = JSON.parse(readFileSync(record, 'utf8')).packages;
  // npm leaves out what is for other platforms, and on request all that is only for development.
  const withoutDev = !Object.values(installed).some(({ dev }) => dev);
  const mayLack = ({ optional, devOptional, dev }) =>
    optional || devOptional || (dev && withoutDev);
  const agrees = Object.entries(wanted).every(([path, entry]) => {
    if (path === '') return true;
    const found = installed[path];
    return found === undefined ? mayLack(entry) : found.version === entry.version;
  });
  if (agrees) writeFileSync(hashFile(project), hash);
  return agrees;
}

/** @param {string} project */
function lockHash(project) {
  return createHash('sha256')
    .update(readFileSync(join(project, 'package-lock.json')))
    .digest('hex');
}

/** @param {string} project */
function hashFile(project) {
  return join(project, 'node_modules', '.daybook-lock-hash');
}

/**
 * Runs `npm install --no-save`, which follows the lock file and leaves it as it is. Not `npm ci`: that
 * refuses a lock file without the builds for other platforms, which npm leaves out of it on machines
 * whose registry does not have them. What it says goes to stderr: stdout belongs to the program that
 * runs afterwards.
 * @param {string} project
 */
async function install(project) {
  console.error('Installing what Daybook needs (npm install) ...');
  // Under `npm start` the running npm names its own program; other package managers do not count.
  const running = process.env['npm_execpath'];
  const [command, ...first] =
    running !== undefined && basename(running) === 'npm-cli.js'
      ? [process.execPath, running]
      : ['npm'];
  const child = spawn(command, [...first, 'install', '--no-save', '--no-audit', '--no-fund'], {
    cwd: project,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32' && first.length === 0,
  });
  const [code, signal] = await once(child, 'exit').catch((/** @type {unknown} */ error) => {
    throw new InstallError(
      `npm could not be started (${String(error)}): install it, and run npm install in ${project}.`,
      1,
    );
  });
  if (code === 0) return;
  const ending = signal === null ? `exit code ${code}` : `signal ${signal}`;
  throw new InstallError(
    `npm install failed with ${ending}: mend what it names above, and start again.`,
    code ?? 1,
  );
}

/**
 * Waits until no other process installs. The lock is a folder, which only one process can make; it
 * lies outside node_modules, which npm removes.
 * @param {string} project
 * @returns {Promise<() => void>} ends the lock
 */
async function lock(project) {
  const folder = join(project, '.daybook');
  const path = join(folder, 'install.lock');
  // Open for the user that the embedded Postgres runs as, whatever the umask: its data goes there too.
  if (mkdirSync(folder, { recursive: true }) !== undefined) chmodSync(folder, 0o755);
  for (let told = false; ; ) {
    try {
      mkdirSync(path);
      writeFileSync(join(path, 'pid'), String(process.pid));
      return () => rmSync(path, { recursive: true, force: true });
    } catch (error) {
      if (error.code !== 'EEXIST')
        throw new InstallError(
          `${path} cannot be made (${error.message}): give your user the right to write there.`,
          1,
        );
    }
    const holder = lockHolder(path);
    if (holder === 'nobody') rmSync(path, { recursive: true, force: true });
    else if (!told) console.error(`Waiting for the install that ${holder} runs ...`);
    told = true;
    await sleep(100);
  }
}

/** @param {string} path */
function lockHolder(path) {
  try {
    const pid = Number(readFileSync(join(path, 'pid'), 'utf8'));
    process.kill(pid, 0);
    return `process ${pid}`;
  } catch (error) {
    if (error.code === 'EPERM') return 'another user';
    if (error.code !== 'ENOENT') return 'nobody';
  }
  try {
    return Date.now() - statSync(path).mtimeMs > namelessLockMs ? 'nobody' : 'another process';
  } catch {
    // Gone in this moment; the next try to make it will tell.
    return 'another process';
  }
}

/** Prints the sentence and leaves with the exit code. @param {unknown} error */
export function exitWith(error) {
  if (!(error instanceof InstallError)) throw error;
  console.error(error.message);
  process.exit(error.exitCode);
}

if (
  process.argv[1] !== undefined &&
  realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)
) {
  await ensureInstalled(process.argv[2]).catch(exitWith);
}
