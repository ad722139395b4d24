import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createGaugeSource } from './api/gauges.ts';
import { createServer } from './api/server.ts';
import type { Role, StartFlags, WorkerFlags } from './cli/program.ts';
import { listenForSignals, type Stopped } from './cli/stop-signals.ts';
import { databaseUrl } from './config/database-url.ts';
import { parseOptions, serverOptions } from './config/options.ts';
import { relayFromEnvironment } from './config/relay-environment.ts';
import { type Daybook, type DaybookOptions, openDaybook, readVersion } from './daybook.ts';
import { startEmbeddedPostgres } from './embedded/embedded-postgres.ts';
import { houseDuties } from './housekeeping.ts';
import { DaybookError } from './kernel/errors.ts';
import { createLogger } from './telemetry/logger.ts';
import { createTelemetry, type Telemetry } from './telemetry/telemetry.ts';
import type { JobDefinition } from './workers/definitions/define-job.ts';
import { loadJobs } from './workers/definitions/jobs-module.ts';

/** Undoes what was done, the newest first. */
type Closers = (() => Promise<unknown>)[];

/**
 * Everything that a role asks for, until a signal.
 * @throws DaybookError what cannot be started, in one sentence
 */
export async function start(flags: StartFlags): Promise<void> {
  mustHaveTarget(flags.role ?? []);
  await untilStopped(async (closers, stopped, telemetry) => {
    const { host, port, allowedHosts } = parseOptions(serverOptions, {
      ...given(flags, 'host', 'port'),
      allowedHosts: flags.allowHost ?? [],
    });
    const { readOnly = false } = flags;
    const own = process.env['DATABASE_URL'] ?? '';
    const bring = own === '' && !readOnly;
    const connectionString = bring ? await embedded(flags.data, closers) : databaseUrl();
    const { role: roles = [] } = flags;
    const has = (role: Role) => roles.length === 0 || roles.includes(role);
    const works = has('worker') && !readOnly;
    const module = flags.jobs ?? (works ? starterModule() : undefined);
    const jobs = readOnly ? [] : await loadJobs(module);
    const maintain = houseDuties.filter(has);
    const access = { migrate: !readOnly, readOnly, maintain, ...given(flags, 'maxWaiting') };
    const daybook = await open(connectionString, flags.schema, jobs, access, telemetry, closers);
    telemetry.setGaugeSource(createGaugeSource(daybook.context));
    const address = { host, port, allowedHosts };
    const url = has('api') ? await serve(daybook, address, stopped, telemetry, closers) : undefined;
    if (works && jobs.length > 0) await daybook.worker(workerSettings(flags)).start();
    if (url === undefined) {
      console.error(`Daybook ${readVersion()} runs as ${roles.join(', ')}. Ctrl-C stops.`);
      return;
    }
    greet(url, works ? jobs : [], flags.jobs === undefined);
    if (!isLoopback(host)) console.error(openWarning(host));
  });
}

/** @throws DaybookError `invalid-options` for a process that is to relay, and to nowhere */
function mustHaveTarget(roles: readonly Role[]): void {
  if (!roles.includes('relay') || (process.env['EVENTSTORE_URL'] ?? '') !== '') return;
  const message = 'EVENTSTORE_URL is not set, and so there is nothing to relay to';
  if (roles.length === 1) throw new DaybookError('invalid-options', `${message}.`);
  console.error(`${message}: this process does the rest.`);
}

/** Answers where it listens. */
async function serve(
  daybook: Daybook,
  { host, port, allowedHosts }: ReturnType<typeof serverOptions.parse>,
  stopped: Stopped,
  telemetry: Telemetry,
  closers: Closers,
): Promise<string> {
  const app = createServer({
    context: daybook.context,
    consumers: daybook.consumers,
    tail: daybook.tail,
    subscriptions: daybook.subscriptions,
    metricsText: () => telemetry.metricsText(),
    version: readVersion(),
    instance: `${hostname()}:${process.pid}`,
    isDraining: () => stopped.asked,
    limits: { allowedHosts },
  });
  closers.push(() => app.close());
  return app.listen({ host, port }).catch((error: unknown) => {
    throw cannotListen(error, host, port);
  });
}

/** Workers alone, for a Daybook that others serve. */
export async function worker(module: string, flags: WorkerFlags): Promise<void> {
  await untilStopped(async (closers, _stopped, telemetry) => {
    const jobs = await loadJobs(module);
    if (jobs.length === 0) {
      throw new DaybookError('jobs-module-invalid', `${module} exports no job definitions.`);
    }
    const daybook = await open(databaseUrl(), flags.schema, jobs, {}, telemetry, closers);
    await daybook.worker(workerSettings(flags)).start();
    const types = jobs.map(({ type }) => type).join(', ');
    console.error(`Working ${workerSettings(flags).queues.join(', ')} for ${types}. Ctrl-C stops.`);
  });
}

/** Runs a process: sets it up, waits for a signal, and takes it down again, whatever happened. */
async function untilStopped(
  setUp: (closers: Closers, stopped: Stopped, telemetry: Telemetry) => Promise<void>,
): Promise<void> {
  const closers: Closers = [];
  const stopped = listenForSignals();
  const logger = createLogger({ stream: process.stderr });
  try {
    await setUp(closers, stopped, createTelemetry({ version: readVersion(), logger }));
    await stopped.promise;
    console.error('Stopping: running jobs are finished first. Ctrl-C again ends at once.');
  } finally {
    for (const close of closers.toReversed()) await close();
  }
}

async function embedded(folder: string | undefined, closers: Closers): Promise<string> {
  const dataFolder = resolve(folder ?? '.daybook', 'postgres');
  const server = await startEmbeddedPostgres({ dataFolder });
  closers.push(() => server.stop());
  if (server.adopted) console.error('Found the Postgres of a Daybook that was killed; using it.');
  for (const note of server.notes) console.error(note);
  return server.connectionString;
}

async function open(
  connectionString: string,
  schema: string | undefined,
  jobs: readonly JobDefinition[],
  access: Pick<DaybookOptions, 'maintain' | 'migrate' | 'readOnly' | 'maxWaiting'>,
  telemetry: Telemetry,
  closers: Closers,
): Promise<Daybook> {
  const directConnectionString = process.env['DATABASE_DIRECT_URL'];
  const relay = relayFromEnvironment(process.env);
  const daybook = await openDaybook({
    ...(relay === undefined ? {} : { relay }),
    connectionString,
    ...(directConnectionString === undefined ? {} : { directConnectionString }),
    ...(schema === undefined ? {} : { schema }),
    ...access,
    jobs,
    observer: telemetry.observer,
  });
  closers.push(() => daybook.close());
  return daybook;
}

function workerSettings({ queue, concurrency, lease }: Omit<WorkerFlags, 'schema'>) {
  return { queues: [...(queue ?? ['default'])], concurrency, leaseMs: lease };
}

/** The flags that were given, by name. */
function given<Flags extends object>(flags: Flags, ...names: (keyof Flags)[]) {
  return Object.fromEntries(
    names.flatMap((name) => {
      return flags[name] === undefined ? [] : [[name, flags[name]]];
    }),
  );
}

/** The starter's module in a checkout; none in an installed package. */
function starterModule(): string | undefined {
  const file = fileURLToPath(new URL('../examples/starter/jobs.ts', import.meta.url));
  return existsSync(file) && import.meta.url.endsWith('.ts') ? file : undefined;
}

function greet(url: string, jobs: readonly JobDefinition[], isStarter: boolean): void {
  console.log(`Daybook ${readVersion()} listens at ${url} (API reference: ${url}/docs)`);
  if (jobs.length === 0) console.log('It runs no jobs itself: --jobs <module> names definitions.');
  if (!isStarter || jobs.length === 0) return;
  console.log('Submit a job:');
  const body = JSON.stringify({ type: 'checksum', payload: { path: 'README.md' } });
  console.log(`  curl -s '${url}/v1/jobs' -H 'content-type: application/json' -d '${body}'`);
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

function openWarning(host: string): string {
  return `Listening on ${host}: there is no authentication yet, so whoever reaches this port may do everything.`;
}

function cannotListen(error: unknown, host: string, port: number): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'EADDRINUSE') {
    return new DaybookError('port-in-use', `Port ${port} of ${host} is taken.`, { cause: error });
  }
  if (code === 'EACCES' || code === 'EADDRNOTAVAIL') {
    const message = `Listening on port ${port} of ${host} is refused (${code}).`;
    return new DaybookError('invalid-options', message, { cause: error });
  }
  return error;
}
