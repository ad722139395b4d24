import { spawnSync } from 'node:child_process';

/**
 * Whether programs of the system that a test needs are there. Where one is missing the test is left
 * out, and says so; in CI none may be left out.
 */
export function hasTools(...names: string[]): boolean {
  const missing = names.filter((name) => spawnSync(name, ['--version']).error !== undefined);
  if (missing.length > 0) console.warn(`LEFT OUT: this needs ${missing.join(' and ')}.`);
  return missing.length === 0;
}
