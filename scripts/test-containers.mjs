// Runs tests against servers in containers, one after the other:
//
//   npm run test:containers                       all of them
//   npm run test:containers -- --only postgres    the integration tests on Postgres 15, 16, 17 and 18
//   npm run test:containers -- --only kurrent     the tests of the relay on KurrentDB and EventStoreDB
//
// Without a container engine it says so in one line, and ends with 0; with DAYBOOK_NO_SKIP=1, as in CI,
// with 1. EVENTSTORE_URL set by hand runs the tests of the relay against any server, without all this.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ensureInstalled, exitWith } from './ensure-installed.mjs';

const project = fileURLToPath(new URL('..', import.meta.url));
/**
 * The newest release with long-term support, and the last under the former name.
 * Of the first, `kurrent-lts` holds nothing but releases with long-term support (those with minor number 0, as
 * 26.0), and `latest` is the newest of them: Kurrent's pages on installation and release schedule, and the
 * guide of its Node client. The second is in the documentation of testcontainers' EventStoreDB module; Kurrent
 * supported 24.10 until October 2026. Read on 22 November 2026.
 */
const kurrentImages = [
  process.env['KURRENTDB_IMAGE'] ?? 'docker.kurrent.io/kurrent-lts/kurrentdb:latest',
  process.env['EVENTSTOREDB_IMAGE'] ?? 'eventstore/eventstore:24.10',
];
/** Tags of Docker's official image; each is the newest minor of its major. */
const postgresVersions = ['15', '16', '17', '18'];

const { values } = parseArgs({ options: { only: { type: 'string' } } });
const { only } = values;
if (only !== undefined && only !== 'postgres' && only !== 'kurrent') {
  console.error(`--only takes postgres or kurrent, and not ${only}.`);
  process.exit(2);
}

await ensureInstalled().catch(exitWith);
const { GenericContainer, Wait, getContainerRuntimeClient } = await import('testcontainers');
const engine = await getContainerRuntimeClient().catch(() => undefined);
if (engine === undefined) {
  console.log('No container engine was found, so nothing was tested in containers.');
  process.exit(process.env['DAYBOOK_NO_SKIP'] === '1' ? 1 : 0);
}

/** @type {string[]} */
const failed = [];
if (only !== 'kurrent') {
  await ensureInstalled(join(project, 'test', 'matrix')).catch(exitWith);
  for (const version of postgresVersions) await onPostgres(version);
}
if (only !== 'postgres') for (const image of kurrentImages) await onKurrent(image);
console.log(failed.length === 0 ? 'Passed on all.' : `Failed on ${failed.join(', ')}.`);
process.exit(failed.length === 0 ? 0 : 1);

/** @param {string} version */
async function onPostgres(version) {
  console.log(`\nPostgres ${version}`);
  const container = await new GenericContainer(`postgres:${version}`)
    .withEnvironment({ POSTGRES_PASSWORD: 'daybook' })
    .withCommand(['postgres', '-c', 'fsync=off', '-c', 'max_connections=300'])
    .withExposedPorts(5432)
    // The first start is that of initdb; what listens on the network comes after it.
    .withWaitStrategy(Wait.forLogMessage(/ready to accept connections/, 2))
    .start();
  const address = `${container.getHost()}:${container.getMappedPort(5432)}`;
  await run(`Postgres ${version}`, [], {
    DAYBOOK_TEST_POSTGRES: version,
    DAYBOOK_TEST_DATABASE_URL: `postgres://postgres:daybook@${address}/postgres`,
  });
  await container.stop();
}

/** @param {string} image */
async function onKurrent(image) {
  console.log(`\n${image}`);
  const container = await new GenericContainer(image)
    .withCommand(['--insecure', '--run-projections=System', '--start-standard-projections=true'])
    .withExposedPorts(2113)
    .withWaitStrategy(Wait.forHttp('/health/live', 2113).forStatusCode(204))
    .withStartupTimeout(120_000)
    .start();
  const url = `esdb://${container.getHost()}:${container.getMappedPort(2113)}?tls=false`;
  // A log is restored from a server that holds no other: it comes first, while nobody has written there.
  await run(`${image}, restored`, ['test/integration/transfer/restore-relayed'], {
    EVENTSTORE_URL: url,
    DAYBOOK_EVENTSTORE_EMPTY: '1',
  });
  await run(image, ['test/integration/relay'], { EVENTSTORE_URL: url });
  await container.stop();
}

/**
 * @param {string} name
 * @param {string[]} filters
 * @param {Record<string, string>} environment
 */
async function run(name, filters, environment) {
  const vitest = join(project, 'node_modules', 'vitest', 'vitest.mjs');
  const args = [vitest, 'run', '--project', 'integration', ...filters];
  const env = { ...process.env, ...environment };
  const child = spawn(process.execPath, args, { cwd: project, env, stdio: 'inherit' });
  const [code] = await once(child, 'exit');
  if (code !== 0) failed.push(name);
}
