import { mkdir, writeFile } from 'node:fs/promises';
import { contenders, type ContenderName } from './contenders/registry.ts';
import { describeCommits } from './measure/commit-times.ts';
import { describeMachine, describePostgres } from './measure/machine.ts';
import { readOptions } from './options.ts';
import { preparePeers } from './peers/prepare-peers.ts';
import { chart } from './report/chart.ts';
import type { Results, ScenarioResults } from './report/results.ts';
import { findingsText } from './report/text.ts';
import type { Bench } from './scenario.ts';
import { startOwnPostgres, useServer } from './servers/postgres-server.ts';
import { stopAll } from './servers/running.ts';
import { runOnce } from './runs/run-once.ts';

const folder = new URL('./results/', import.meta.url);

const options = readOptions(process.argv.slice(2));
const startedAt = new Date().toISOString();
// Servers live on without us, so nothing may end us before they are stopped.
const stopAndExit = () => void stopAll().finally(() => process.exit(1));
process.once('SIGINT', stopAndExit).once('SIGTERM', stopAndExit);
process.once('uncaughtException', (error) => {
  console.error(error);
  stopAndExit();
});
try {
  const alone = options.scenarios.every((scenario) => scenario.alone);
  const peers = await preparePeers(alone ? ['daybook'] : options.contenders);
  for (const warning of peers.warnings) console.log(warning);
  const server = process.env['DATABASE_URL'];
  const postgres = server === undefined ? await startOwnPostgres() : await useServer(server);
  const results: Results & { scenarios: ScenarioResults[] } = {
    startedAt,
    command: ['npm run bench --', ...process.argv.slice(2)].join(' '),
    quick: options.quick,
    machine: describeMachine(),
    settings: {
      postgres: settingsText(await describePostgres(postgres.admin)),
      'a commit': await describeCommits(postgres.admin),
      ...peers.settings,
    },
    scenarios: [],
  };
  if (options.quick) console.log('A quick run: it shows that all works; its numbers say nothing.');
  console.log(`machine: ${results.machine}`);
  for (const [of, text] of Object.entries(results.settings)) console.log(`${of}: ${text}`);
  const bench: Bench = {
    ...options,
    contenders: peers.available,
    postgres,
    run: (name: ContenderName, load, staging = {}) =>
      runOnce(name, load, { postgres, node: peers.nodeOf(contenders[name].package), ...staging }),
    tell: (text) => console.error(`  ${text}`),
  };
  for (const { name, title, measure } of options.scenarios) {
    console.error(`${name} ...`);
    const from = performance.now();
    const findings = await measure(bench);
    const tookSeconds = Math.round((performance.now() - from) / 1_000);
    results.scenarios.push({ name, title, ...findings, tookSeconds });
    console.log(`\n${findingsText({ name, title }, findings)}`);
    // After each, so that what was measured is kept if a later one fails.
    await write(results);
  }
} finally {
  await stopAll();
}

async function write(results: Results): Promise<void> {
  await mkdir(folder, { recursive: true });
  const name = startedAt.replaceAll(':', '-').slice(0, 19);
  await writeFile(new URL(`${name}.json`, folder), `${JSON.stringify(results, null, 2)}\n`);
  await writeFile(new URL(`${name}.svg`, folder), chart(results));
}

function settingsText(settings: Readonly<Record<string, string>>): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
}
