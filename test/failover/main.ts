import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDaybook } from '../../src/daybook.ts';
import { postgresFolder, startHosted } from './debian-postgres.ts';
import { createNetwork, type Host } from './network.ts';
import { type FailoverReport, runFailover, seconds } from './run-failover.ts';

/*
 * npm run failover: two Postgres, an API and a worker, each on a host of its own (a network namespace).
 * Jobs are submitted while the primary crashes, and in a second run while its host drops off the
 * network; the standby, which replicates synchronously, is promoted. Exit code 0: nothing that was
 * acknowledged is lost, and every job is done. 2: this machine lacks what it takes.
 */

/** How the primary fails, and what a run of it prints. */
const failures = {
  'the primary crashes': 'crash',
  'the host of the primary drops off the network': 'cut',
} as const;

async function failOnce(bin: string, how: 'crash' | 'cut'): Promise<FailoverReport> {
  const folder = await mkdtemp(join(tmpdir(), 'daybook-failover-'));
  const network = createNetwork();
  const closers: (() => Promise<unknown>)[] = [];
  try {
    const [first, second, api, worker] = ['a', 'b', 'api', 'worker'].map(network.host) as [
      Host,
      Host,
      Host,
      Host,
    ];
    const primary = await startHosted(bin, folder, first);
    closers.push(primary.crash);
    const daybook = await openDaybook({
      connectionString: primary.url,
      migrate: true,
      maintain: false,
    });
    await daybook.close();
    const standby = await startHosted(bin, folder, second, primary);
    closers.push(standby.crash);
    await primary.query("alter system set synchronous_standby_names = '*'");
    await primary.query('select pg_reload_conf()');
    const servers = `postgres://daybook@${first.address}:5432,${second.address}:5432/postgres`;
    return await runFailover(
      {
        servers,
        api: { host: api.address, by: api.by },
        worker: { by: worker.by },
        fail: how === 'crash' ? primary.crash : () => Promise.resolve(first.cutOff()),
        promote: () => standby.query('select pg_promote()').then(() => undefined),
      },
      { loadMs: 5_000, callers: 8, note: (line) => console.log(`  ${line}`) },
    );
  } finally {
    for (const close of closers.toReversed()) await close();
    network.remove();
    await rm(folder, { recursive: true, force: true });
  }
}

function tell(report: FailoverReport): boolean {
  const { acknowledged, lost, unfinished, refused, differences, epochs } = report;
  console.log(`  jobs acknowledged:   ${acknowledged}`);
  console.log(`  lost:                ${lost.length}`);
  console.log(`  not done:            ${unfinished}`);
  console.log(`  refused meanwhile:   ${refused}`);
  console.log(`  to resume:           ${seconds(report.resumedMs)} after the failure,`);
  console.log(
    `                       ${seconds(report.resumedAfterPromotionMs)} after the promotion`,
  );
  console.log(`  differences (verify): ${differences}`);
  console.log(`  epochs:              ${epochs.join('; ')}`);
  for (const id of lost) console.log(`  LOST ${id}`);
  return lost.length === 0 && unfinished === 0 && differences === 0 && epochs.length === 2;
}

function missing(): string | undefined {
  if (process.getuid?.() !== 0) return 'root, for network namespaces';
  if (spawnSync('ip', ['-V']).error !== undefined) return 'ip (Debian: iproute2)';
  return postgresFolder() === undefined ? 'a Postgres (Debian: postgresql)' : undefined;
}

const lacks = missing();
const bin = postgresFolder();
if (lacks !== undefined || bin === undefined) {
  console.error(`This needs ${lacks}.`);
  process.exit(2);
}
let passed = true;
for (const [name, how] of Object.entries(failures)) {
  console.log(`${name}:`);
  passed = tell(await failOnce(bin, how)) && passed;
}
process.exit(passed ? 0 : 1);
