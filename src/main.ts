#!/usr/bin/env node
import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { createGaugeSource } from './api/gauges.ts';
import { createServer } from './api/server.ts';
import { CommanderError } from 'commander';
import {
  createProgram,
  type DoctorFlags,
  type RebuildClaimsFlags,
  type Role,
  type StartFlags,
  type VerifyFlags,
  type WorkerFlags,
} from './cli/program.ts';
import { databaseOptions, parseOptions, serverOptions } from './config/options.ts';
import { relayFromEnvironment } from './config/relay-environment.ts';
import {
  type Daybook,
  type DaybookOptions,
  type JobDefinition,
  openDaybook,
  readVersion,
} from './daybook.ts';
import { startEmbeddedPostgres } from './embedded/embedded-postgres.ts';
import { DaybookError, isDaybookError } from './kernel/errors.ts';
import {
  type CommandTarget,
  runDoctor,
  runEpoch,
  runRebuildClaims,
  runVerify,
} from './maintenance/commands.ts';
import { transferActions } from './maintenance/transfer-actions.ts';
import { relayActions } from './maintenance/relay-actions.ts';
import { migrate } from './store/migrate.ts';
import { createLogger } from './telemetry/logger.ts';
import { createTelemetry, type Telemetry } from './telemetry/telemetry.ts';

/** A second Ctrl-C this long after the first one ends the process at once. */
const HURRY_AFTER_MS = 500;

/** Undoes what was done, the newest first. */
type Closers = (() => Promise<unknown>)[];

/** Resolves, and `asked` turns true, when the process is told to stop. */
interface Stopped {
  readonly asked: boolean;
  readonly promise: Promise<void>;
}

async function start(flags: StartFlags): Promise<void> {
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
    const maintain = (['sequencer', 'projector', 'caretaker', 'relay'] as const).filter(has);
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

async function worker(module: string, flags: WorkerFlags): Promise<void> {
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

async function migrateDatabase({ schema = 'daybook' }: { schema: string | undefined }) {
  const connectionString = process.env['DATABASE_DIRECT_URL'] ?? databaseUrl();
  const connection = parseOptions(databaseOptions, { connectionString });
  const done = await migrate({ connection, schema });
  console.log(done.length === 0 ? 'Nothing to migrate.' : `Migrated: ${done.join(', ')}.`);
}

async function verifyTables({
  schema,
  json = false,
  bodies,
  ...flags
}: VerifyFlags): Promise<void> {
  const { safety = false, ended = false, records = [] } = flags;
  try {
    const wanted = { json, bodies, safety, ended, records };
    process.exitCode = await runVerify(commandTarget(schema), wanted);
  } catch (error) {
    tellFailure(error);
    process.exitCode = 2;
  }
}

async function examineDatabase({ schema, json = false, strict = false }: DoctorFlags) {
  const directConnectionString = process.env['DATABASE_DIRECT_URL'];
  const flags = { json, strict, directConnectionString, version: readVersion() };
  try {
    process.exitCode = await runDoctor(commandTarget(schema), flags);
  } catch (error) {
    tellFailure(error);
    process.exitCode = 2;
  }
}

async function rebuildClaimTables({ schema, lockTimeout }: RebuildClaimsFlags): Promise<void> {
  // Direct where there is one: it keeps writers out, and must not queue behind them in a pooler.
  const connectionString = process.env['DATABASE_DIRECT_URL'] ?? databaseUrl();
  const target = { ...commandTarget(schema), connectionString };
  return runRebuildClaims(target, { lockTimeoutMs: lockTimeout });
}

function commandTarget(schema: string | undefined): CommandTarget {
  const note = (line: string) => console.error(line);
  return {
    connectionString: databaseUrl(),
    schema,
    print: (line: string) => console.log(line),
    note,
  };
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

function listenForSignals(): Stopped {
  let askedAt: number | null = null;
  let tell: () => void = () => undefined;
  const promise = new Promise<void>((done) => {
    tell = done;
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      // A terminal and a parent process may both pass the same Ctrl-C on.
      if (askedAt !== null && performance.now() - askedAt > HURRY_AFTER_MS) process.exit(130);
      askedAt ??= performance.now();
      tell();
    });
  }
  return {
    promise,
    get asked() {
      return askedAt !== null;
    },
  };
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

function databaseUrl(): string {
  const url = process.env['DATABASE_URL'];
  if (url !== undefined && url !== '') return url;
  throw new DaybookError(
    'invalid-options',
    'DATABASE_URL is not set: name the Postgres to use, as postgres://user:password@host/database.',
  );
}

/** The starter's module in a checkout; none in an installed package. */
function starterModule(): string | undefined {
  const file = fileURLToPath(new URL('../examples/starter/jobs.ts', import.meta.url));
  return existsSync(file) && import.meta.url.endsWith('.ts') ? file : undefined;
}

/** @throws DaybookError `jobs-module-invalid` */
async function loadJobs(module: string | undefined): Promise<readonly JobDefinition[]> {
  if (module === undefined) return [];
  const file = resolve(module);
  if (!existsSync(file)) {
    throw new DaybookError('jobs-module-invalid', `There is no jobs module at ${file}.`);
  }
  const loaded = (await import(pathToFileURL(file).href).catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error);
    const message = `The jobs module ${file} could not be loaded: ${reason}`;
    throw new DaybookError('jobs-module-invalid', message, { cause: error });
  })) as { jobs?: unknown };
  const { jobs } = loaded;
  if (Array.isArray(jobs) && jobs.every(isDefinition)) return jobs;
  throw new DaybookError(
    'jobs-module-invalid',
    `${file} exports no array of definitions as "jobs".`,
  );
}

function isDefinition(value: unknown): value is JobDefinition {
  if (typeof value !== 'object' || value === null) return false;
  return 'type' in value && 'handler' in value && 'payload' in value;
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

/** What a person reads when a command fails: what happened, and what to do; never a stack trace. */
function explain(error: unknown): string {
  if (isDaybookError(error)) {
    const why = error.code === 'database-unavailable' ? `\n  why: ${causeOf(error)}` : '';
    return `error: ${error.message}${why}\n  try: ${error.advice} [${error.code}]`;
  }
  const reason = error instanceof Error ? error.message : String(error);
  const more = 'Run it again with DAYBOOK_DEBUG=1 for the whole story.';
  return `error: ${reason}\n  try: ${more}`;
}

/** What the driver says: an address and a reason, no password. */
function causeOf({ cause }: Error): string {
  if (cause instanceof AggregateError) return causeOf(new Error('', { cause: cause.errors[0] }));
  return cause instanceof Error ? cause.message : String(cause);
}

function tellFailure(error: unknown): void {
  console.error(explain(error));
  if (process.env['DAYBOOK_DEBUG'] === '1') console.error(error);
}

const program = createProgram(readVersion(), {
  start,
  worker,
  migrate: migrateDatabase,
  verify: verifyTables,
  doctor: examineDatabase,
  rebuildClaims: rebuildClaimTables,
  epoch: ({ schema, reason }) => runEpoch(commandTarget(schema), reason),
  relay: relayActions(commandTarget, tellFailure),
  ...transferActions(commandTarget, tellFailure),
});
try {
  await program.parseAsync();
  // Whatever a jobs module left open must not keep a stopped process alive.
  process.exit();
} catch (error) {
  // Only commands for which 1 says something else throw this; the message is out already.
  if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? 0 : 2);
  tellFailure(error);
  process.exit(1);
}
