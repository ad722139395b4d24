import { appendFile, chown, copyFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { operatingUser } from '../../src/embedded/place/operating-user.ts';
import { runProgram } from '../../src/embedded/server/run-program.ts';
import { startTestServer, type TestServer } from './postgres-servers.ts';
import { withClient } from './template-database.ts';

/** Starts a streaming replica of a Postgres 15; needs `pg_basebackup` on this machine. */
export async function startStandby(primary: TestServer): Promise<TestServer> {
  // The rules of an embedded server know no replication.
  await appendFile(
    join(primary.dataFolder, 'pg_hba.conf'),
    'host replication all 127.0.0.1/32 scram-sha-256\n',
  );
  await withClient(primary.connectionString, (client) => client.query('select pg_reload_conf()'));
  return startTestServer(15, async (dataFolder) => {
    const user = await operatingUser(await stat(primary.dataFolder));
    if (user !== undefined) await chown(dirname(dataFolder), user.uid, user.gid);
    const from = ['-d', primary.connectionString, '-D', dataFolder];
    const how = ['--write-recovery-conf', '--wal-method=stream', '--checkpoint=fast', '--no-sync'];
    await runProgram('pg_basebackup', [...from, ...how], user);
    // It is the same cluster, so the password is the same.
    await copyFile(`${primary.dataFolder}.password`, `${dataFolder}.password`);
  });
}
