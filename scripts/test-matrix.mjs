// Runs the integration tests on every version of Postgres that Daybook supports, one after the other:
//
//   npm run test:matrix                              on 15, 16, 17 and 18
//   npm run test:matrix -- --pg 15 --pg 17 [filters and flags of vitest]
//
// The servers of 16 and 17 come from test/matrix, which is installed here and only here (120 MB).

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ensureInstalled, exitWith } from './ensure-installed.mjs';

const project = fileURLToPath(new URL('..', import.meta.url));
const known = ['15', '16', '17', '18'];
const { versions, rest } = readArguments(process.argv.slice(2));
const unknown = versions.filter((version) => !known.includes(version));
if (unknown.length > 0) {
  console.error(`There is no Postgres ${unknown.join(', ')} here: --pg takes ${known.join(', ')}.`);
  process.exit(2);
}

await ensureInstalled().catch(exitWith);
if (versions.some((version) => version === '16' || version === '17')) {
  await ensureInstalled(join(project, 'test', 'matrix')).catch(exitWith);
}

/** @type {string[]} */
const failed = [];
for (const version of versions) {
  console.log(`\nPostgres ${version}`);
  if (!(await runOn(version))) failed.push(version);
}
const passed = versions.filter((version) => !failed.includes(version));
if (passed.length > 0) console.log(`Passed on Postgres ${passed.join(', ')}.`);
if (failed.length > 0) console.log(`Failed on Postgres ${failed.join(', ')}.`);
process.exit(failed.length === 0 ? 0 : 1);

/** @param {string[]} args what comes after `npm run test:matrix --` */
function readArguments(args) {
  const options = /** @type {const} */ ({ pg: { type: 'string', multiple: true } });
  const { tokens } = parseArgs({ args, options, strict: false, tokens: true });
  const isVersion = (token) => token.kind === 'option' && token.name === 'pg';
  const wanted = tokens.filter((token) => isVersion(token)).map(({ value }) => String(value));
  return {
    versions: wanted.length === 0 ? known : wanted,
    rest: tokens.filter((token) => !isVersion(token)).map(({ index }) => args[index] ?? ''),
  };
}

/** @param {string} version */
async function runOn(version) {
  const vitest = join(project, 'node_modules', 'vitest', 'vitest.mjs');
  const args = ['run', '--project', 'integration', ...rest];
  const child = spawn(process.execPath, [vitest, ...args], {
    cwd: project,
    env: { ...process.env, DAYBOOK_TEST_POSTGRES: version },
    stdio: 'inherit',
  });
  // It stops its servers; a signal from a terminal reaches it by itself.
  const passOn = () => child.kill('SIGTERM');
  process.once('SIGTERM', passOn);
  process.once('SIGINT', () => undefined);
  const [code] = await once(child, 'exit');
  process.off('SIGTERM', passOn);
  return code === 0;
}
