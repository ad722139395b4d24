import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { basename } from 'node:path';
import { embeddedFailure } from '../embedded-failure.ts';
import { errorCode } from '../error-code.ts';
import type { OperatingUser } from '../place/operating-user.ts';

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
  const child = spawn(path, args, {
    ...accountOf(user),
    env: serverEnvironment(),
    cwd: '/',
    stdio: 'pipe',
  });
  const output: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => output.push(chunk));
  // A program that ends before it has read its input breaks the pipe; its exit code tells the failure.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const [code, signal] = await once(child, 'close').catch((error: unknown) => {
    throw cannotRun(path, user, error);
  });
  if (code === 0) return;
  const said = Buffer.concat(output).toString('utf8');
  const ending = signal === null ? `code ${String(code)}` : `signal ${String(signal)}`;
  throw embeddedFailure(`${basename(path)} ended with ${ending}: ${firstComplaint(said)}.`, said);
}

/** What `spawn` needs to run a program as `user`. */
export function accountOf(user: OperatingUser | undefined): { uid?: number; gid?: number } {
  return user === undefined ? {} : { uid: user.uid, gid: user.gid };
}

/** Our environment without what would steer Postgres, and with messages in English. */
export function serverEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('PG'));
  return { ...Object.fromEntries(kept), LC_ALL: 'C' };
}

/** The error for a program that could not be started at all. */
export function cannotRun(path: string, user: OperatingUser | undefined, error: unknown): Error {
  const account = user === undefined ? 'your user' : `the user ${user.name}`;
  switch (errorCode(error)) {
    case 'EACCES':
      return embeddedFailure(
        `${path} may not be run by ${account}: its disk is probably mounted noexec; install Daybook on another, or set DATABASE_URL.`,
        error,
      );
    case 'EPERM':
      return embeddedFailure(
        `This process may not start programs as ${account}, and Postgres refuses to run as root: start Daybook as another user, or set DATABASE_URL.`,
        error,
      );
    case 'ENOENT':
      return embeddedFailure(
        `${path} cannot be run on this machine (it needs the GNU C library, which Alpine lacks): set DATABASE_URL to a Postgres of your own.`,
        error,
      );
    default:
      return embeddedFailure(
        `${path} could not be started: ${error instanceof Error ? error.message : String(error)}.`,
        error,
      );
  }
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
  return complaint.replace(/\.$/, '');
}
