import { sharedServerVariable, startTestServer } from './postgres-servers.ts';

/**
 * Brings up the one Postgres 18 that all files share, and hands its address to them in the
 * environment. Runs once for each project: the first one owns the server and stops it at the very
 * end. With `DAYBOOK_TEST_DATABASE_URL` that server is used instead (its user must be able to create
 * databases).
 */
export default async function setup(): Promise<(() => Promise<void>) | undefined> {
  if (process.env[sharedServerVariable] !== undefined) return undefined;
  const given = process.env['DAYBOOK_TEST_DATABASE_URL'];
  if (given !== undefined && given !== '') {
    process.env[sharedServerVariable] = given;
    return undefined;
  }
  const server = await startTestServer(18);
  process.env[sharedServerVariable] = server.connectionString;
  return async () => {
    delete process.env[sharedServerVariable];
    await server.stop();
  };
}
