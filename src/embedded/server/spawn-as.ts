import { type ChildProcess, spawn, type StdioOptions } from 'node:child_process';
import { embeddedFailure } from '../embedded-failure.ts';
import { errorCode } from '../error-code.ts';
import type { OperatingUser } from '../place/operating-user.ts';

/**
 * Starts a program as `user`, in the root folder, and without what in our environment would steer
 * Postgres. If it cannot be started the child emits `error`, as always, or this throws: `cannotRun`
 * tells both to the person.
 * @param options.detached in a process group of its own
 */
export function spawnAs(
  user: OperatingUser | undefined,
  path: string,
  args: readonly string[],
  options: { readonly stdio: StdioOptions; readonly detached?: boolean },
): ChildProcess {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('PG'));
  const account = user === undefined ? {} : { uid: user.uid, gid: user.gid };
  // Messages in English, because we look for words in them.
  const env = { ...Object.fromEntries(inherited), LC_ALL: 'C' };
  try {
    return spawn(path, args, { ...options, ...account, env, cwd: '/' });
  } catch (error) {
    // Node throws some codes, EPERM among them, and emits others.
    throw cannotRun(path, user, error);
  }
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
