import { once } from 'node:events';
import { basename } from 'node:path';
import { embeddedFailure } from '../embedded-failure.ts';
import type { OperatingUser } from '../place/operating-user.ts';
import { cannotRun, spawnAs } from './spawn-as.ts';

/**
 * Runs one of the Postgres programs to its end, as `user`.
 * @param input goes to its standard input
 * @throws DaybookError `embedded-postgres-failed`, with what the program said, when it fails
 */
export async function runProgram(
  path: string,
  args: readonly string[],
  user: OperatingUser | undefined,
  input = '',
): Promise<void> {
  const child = spawnAs(user, path, args, { stdio: 'pipe' });
  const output: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => output.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => output.push(chunk));
  // A program that ends before it has read its input breaks the pipe; its exit code tells the failure.
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(input);
  const [code, signal] = await once(child, 'close').catch((error: unknown) => {
    throw cannotRun(path, user, error);
  });
  if (code === 0) return;
  const said = Buffer.concat(output).toString('utf8');
  const ending = signal === null ? `code ${String(code)}` : `signal ${String(signal)}`;
  throw embeddedFailure(`${basename(path)} ended with ${ending}: ${firstComplaint(said)}.`, said);
}

/** The line that names the cause: the programs say it first, and hints after. */
function firstComplaint(said: string): string {
  const lines = said
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const complaint =
    lines.find((line) => /\b(error|FATAL|PANIC|ERROR):/.test(line)) ??
    lines.at(-1) ??
    'it said nothing';
  return complaint.replace(/^.*\b(error|FATAL|PANIC|ERROR): +/, '').replace(/\.$/, '');
}
