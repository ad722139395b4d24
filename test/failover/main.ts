import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { openDaybook } from '../../src/daybook.ts';
import { startKurrentDouble } from '../support/kurrent-double/kurrent-double.ts';
import { type HostedPostgres, postgresFolder, startHosted } from './debian-postgres.ts';
import { createNetwork } from './network.ts';
import { type FailoverReport, runFailover, seconds } from './run-failover.ts';

/*
 * npm run failover: two Postgres, an API, a worker, the housekeeping, a relay, and an API that reads from the
 * standby, each on a host of its own (a network namespace). Jobs are submitted while the primary
 * crashes, and in a second run while its host drops off the network; the standby, which replicates
 * synchronously, is promoted. In a third run it replicates asynchronously, and lacks the last of it.
 * Exit code 0: nothing is lost that was acknowledged (in the third run: whoever asks for it is told so),
 * every job that is there is done, and whoever subscribed has been told to begin anew. 2: this machine
 * lacks what it takes.
 */

interface Run {
  readonly name: string;
  readonly how: 'crash' | 'cut';
  /** Of the log: what the standby had not received when the primary failed is lost. */
  readonly tail: 'kept' | 'lost';
}

const runs: readonly Run[] = [
  { name: 'the primary crashes', how: 'crash', tail: 'kept' },
  { name: 'the host of the primary drops off the network', how: 'cut', tail: 'kept' },
  {
    name: 'the primary crashes before its standby has received the last of it',
    how: 'crash',
    tail: 'lost',
  },
];

async function failOnce(bin: string, { how, tail }: Run): Promise<FailoverReport> {
  const folder = await mkdtemp(join(tmpdir(), 'daybook-failover-'));
  const network = createNetwork();
  const closers: (() => Promise<unknown>)[] = [];
  try {
    const [first, second] = [network.host('a'), network.host('b')];
    const [api, reader] = [network.host('api'), network.host('read')];
    const [worker, keeper, relay] = [
      network.host('work'),
      network.host('keep'),
      network.host('relay'),
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
    if (tail === 'kept') {
      await primary.query("alter system set synchronous_standby_names = '*'");
      await primary.query('select pg_reload_conf()');
    }
    const double = await startKurrentDouble({ host: network.address });
    closers.push(() => double.stop());
    const servers = `postgres://daybook@${first.address}:5432,${second.address}:5432/postgres`;
    return await runFailover(
      {
        servers,
        api: { host: api.address, by: api.by },
        reader: { host: reader.address, by: reader.by },
        worker: { by: worker.by },
        keeper: { by: keeper.by },
        relay: { by: relay.by, url: double.url },
        async fail() {
          if (tail === 'lost') await stopReceiving(standby);
          if (how === 'cut') first.cutOff();
          else await primary.crash();
        },
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

/** From now on the standby falls behind; for a second, in which the primary goes on. */
async function stopReceiving(standby: HostedPostgres): Promise<void> {
  await standby.query("alter system set primary_conninfo = ''");
  await standby.query('select pg_reload_conf()');
  while ((await standby.query('select from pg_stat_wal_receiver')).rows.length > 0);
  await wait(1_000);
}

function tell(report: FailoverReport): void {
  const { acknowledged, lost, lostTold, unfinished, refused, reads, resets, unheard, relay } =
    report;
  const { seen, behind, gone, wrong } = reads ?? { seen: 0, behind: 0, gone: 0, wrong: 0 };
  const lines: readonly (readonly [string, string | number])[] = [
    ['jobs acknowledged', acknowledged],
    ['lost', lost.length],
    ['told so by their tokens', lostTold],
    ['not done', unfinished],
    ['refused meanwhile', refused],
    ['to resume', `${seconds(report.resumedMs)} after the failure,`],
    ['', `${seconds(report.resumedAfterPromotionMs)} after the promotion`],
    [
      'reads of the replica',
      `${seen} seen, ${behind} told to ask again, ${gone} told of the loss, ${wrong} wrong`,
    ],
    [
      'subscriber',
      `${resets.length} resets, ${unheard} jobs unheard of, ${report.ghosts} lost ones kept`,
    ],
    ['relay', `${relay?.state}, ${relay?.absent} passed over`],
    ['differences (verify)', report.differences],
    ['epochs', report.epochs.join('; ')],
  ];
  for (const [name, value] of lines) {
    console.log(`  ${(name === '' ? '' : `${name}:`).padEnd(26)}${value}`);
  }
}

/** What must not be. */
function wrongIn(report: FailoverReport, { tail }: Run): string[] {
  const { lost, lostTold, reads, relay, resets } = report;
  const checks: readonly (readonly [boolean, string])[] = [
    [tail === 'kept' && lost.length > 0, `lost: ${lost.join(', ')}`],
    [tail === 'lost' && lost.length === 0, 'nothing was lost: this run has shown nothing'],
    [lostTold < lost.length, 'a token of a job that is lost is not answered with write-lost'],
    [report.unfinished > 0, 'jobs that are not done'],
    [report.differences > 0, 'verify finds differences'],
    [report.epochs.length !== 2, 'there are not two epochs'],
    [(reads?.wrong ?? 0) > 0, 'the replica answered without what a token names'],
    [tail === 'kept' && (reads?.gone ?? 0) > 0, 'the replica took for lost what is there'],
    [(reads?.seen ?? 0) === 0, 'nothing was read from the replica'],
    [!resets.includes('epoch'), 'the subscriber was not told to begin anew'],
    [report.unheard > 0 || report.ghosts > 0, 'the subscriber does not know what is in the log'],
    [(relay?.absent ?? 0) > 0, 'the relay has passed over events'],
    [tail === 'kept' && relay?.state !== 'same', 'the relay’s target is not as the log'],
    [
      tail === 'lost' && relay?.state === 'same',
      'nobody is told that the relay’s target has what the log lost',
    ],
  ];
  return checks.filter(([isWrong]) => isWrong).map(([, what]) => what);
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
for (const run of runs) {
  console.log(`${run.name}:`);
  const report = await failOnce(bin, run);
  tell(report);
  const wrong = wrongIn(report, run);
  for (const what of wrong) console.log(`  WRONG: ${what}`);
  passed &&= wrong.length === 0;
}
process.exit(passed ? 0 : 1);
