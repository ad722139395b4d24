import { readFile } from 'node:fs/promises';
import { embeddedFailure } from '../embedded-failure.ts';

/** The account that the server runs as, if it is not our own. */
export interface OperatingUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/**
 * The account to run the server as, or undefined for our own: Postgres refuses to run as root.
 *
 * As root, existing data decides: only its owner can use it. Otherwise it is `postgres` if the
 * machine has it, else `nobody`. No account is made: that would change the machine for good, for a
 * server that is meant to leave no trace outside its folders.
 * @param dataOwner the owner of the data folder, if there is one already
 * @throws DaybookError `embedded-postgres-failed` when no account can run the server
 */
export async function operatingUser(
  dataOwner: { readonly uid: number; readonly gid: number } | undefined,
): Promise<OperatingUser | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const users = parseUsers(await readFile('/etc/passwd', 'utf8'));
  if (dataOwner !== undefined && dataOwner.uid !== 0) {
    const known = users.find((user) => user.uid === dataOwner.uid);
    return {
      name: known?.name ?? `with uid ${dataOwner.uid}`,
      uid: dataOwner.uid,
      gid: known?.gid ?? dataOwner.gid,
    };
  }
  const user =
    users.find(({ name }) => name === 'postgres') ?? users.find(({ name }) => name === 'nobody');
  if (user === undefined || user.uid === 0) {
    throw embeddedFailure(
      'Postgres refuses to run as root, and this machine has neither a user postgres nor a user nobody: start Daybook as another user, or set DATABASE_URL.',
    );
  }
  return user;
}

function parseUsers(passwd: string): OperatingUser[] {
  return passwd.split('\n').flatMap((line) => {
    const [name, , uid, gid] = line.split(':');
    if (name === undefined || uid === undefined || gid === undefined) return [];
    // macOS writes the ids of nobody as -2; the system calls take them unsigned.
    return [{ name, uid: Number(uid) >>> 0, gid: Number(gid) >>> 0 }];
  });
}
