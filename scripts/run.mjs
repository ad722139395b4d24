// Runs a TypeScript program of this project, after installing what is missing:
//
//   node scripts/run.mjs <script.ts> [args...]
//
// The program runs in this very process, so that signals, exit codes and the terminal need no
// forwarding. Worker threads do not inherit tsx on Node 20, and `--import tsx` does nothing in them
// (https://github.com/privatenumber/tsx/issues/354): a thread has to call `register` for itself.

import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensureInstalled, exitWith } from './ensure-installed.mjs';

const [script, ...args] = process.argv.slice(2);
if (script === undefined) {
  console.error('Usage: node scripts/run.mjs <script.ts> [args...]');
  process.exit(2);
}
await ensureInstalled().catch(exitWith);

// Not imported above: before the install there may be no tsx.
const { register } = await import('tsx/esm/api');
register();
process.argv = [process.execPath, resolve(script), ...args];
await import(pathToFileURL(resolve(script)).href);
