import { poolerVariable, startPooler } from './pooler.ts';
import { sharedServerVariable, sharedVersion, startTestServer } from './postgres-servers.ts';

/**
 * Brings up the one Postgres that all files share, and hands its address to them in the environment.
 * Runs once for each project: the first one owns the server and stops it at the very end. With
 * `DAYBOOK_TEST_DATABASE_URL` that server is used instead (its user must be able to create databases);
 * with `DAYBOOK_TEST_POOLER` there is a PgBouncer in front of it, which everything of Daybook's goes
 * through; `DAYBOOK_TEST_POSTGRES` is the version of the server.
 */
export default async function setup(): Promise<(() => Promise<void>) | undefined> {
  // Tests started by root write files that servers of another user read.
  process.umask(0o022);
  if (process.env[sharedServerVariable] !== undefined) return undefined;
  const closings: (() => Promise<void>)[] = [];
  const address = given('DAYBOOK_TEST_DATABASE_URL') ?? (await ownServer(closings));
  process.env[sharedServerVariable] = address;
  if (given('DAYBOOK_TEST_POOLER') !== undefined) {
    const pooler = await startPooler(address);
    process.env[poolerVariable] = pooler.addressOf(address);
    closings.push(() => pooler.stop());
  }
  return async () => {
    delete process.env[sharedServerVariable];
    delete process.env[poolerVariable];
    for (const close of closings.toReversed()) await close();
  };
}

async function ownServer(closings: (() => Promise<void>)[]): Promise<string> {
  const server = await startTestServer(sharedVersion());
  closings.push(() => server.stop());
  return server.connectionString;
}

function given(name: string): string | undefined {
  const value = process.env[name];
  return value === '' ? undefined : value;
}
