import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDaybook } from '../../src/daybook.ts';
import { runFailover } from '../failover/run-failover.ts';
import { startTestServer, type TestServer } from '../support/postgres-servers.ts';
import { startStandby } from '../support/standby-server.ts';
import { hasTools } from '../support/system-tool.ts';
import { withClient } from '../support/template-database.ts';

/** A short version of `npm run failover`, on this machine. */
describe.runIf(hasTools('pg_basebackup'))('a primary that fails', () => {
  const servers: TestServer[] = [];
  const [primary, standby] = [() => servers[0] as TestServer, () => servers[1] as TestServer];

  beforeAll(async () => {
    servers.push(await startTestServer(15));
    const daybook = await openDaybook({
      connectionString: primary().connectionString,
      migrate: true,
      maintain: false,
    });
    await daybook.close();
    servers.push(await startStandby(primary()));
    await withClient(primary().connectionString, async (client) => {
      // The servers of tests do not wait for anything by themselves.
      await client.query('alter database daybook set synchronous_commit = on');
      await client.query("alter system set synchronous_standby_names = '*'");
      await client.query('select pg_reload_conf()');
    });
  });
  afterAll(async () => {
    for (const server of servers.toReversed()) await server.stop();
  });

  it('takes nothing with it that was acknowledged, and no process has to be restarted', async () => {
    const [one, two] = [new URL(primary().connectionString), new URL(standby().connectionString)];
    const report = await runFailover(
      {
        servers: one.href.replace(one.host, `${one.host},${two.host}`),
        api: { host: '127.0.0.1' },
        worker: {},
        async fail() {
          const mark = await readFile(join(primary().dataFolder, 'postmaster.pid'), 'utf8');
          process.kill(Number.parseInt(mark, 10), 'SIGQUIT');
        },
        async promote() {
          await withClient(two.href, (client) => client.query('select pg_promote()'));
        },
      },
      { loadMs: 1_500, callers: 4, note: () => undefined },
    );
    expect(report).toMatchObject({ lost: [], unfinished: 0, differences: 0 });
    // Whoever had subscribed was told to read again what they keep, and has it all.
    expect(report.resets).toContain('epoch');
    expect(report).toMatchObject({ unheard: 0, ghosts: 0 });
    expect(report.acknowledged).toBeGreaterThan(10);
    expect(report.epochs).toEqual(['1: first', expect.stringMatching(/^2: another timeline/)]);
  });
});
