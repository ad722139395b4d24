import { Command, InvalidArgumentError, Option } from 'commander';
import { addRelay, type RelayActions } from './relay-commands.ts';
import { addTransfer, type TransferActions } from './transfer-commands.ts';

/** What a process does. */
export const roles = ['api', 'worker', 'sequencer', 'projector', 'caretaker', 'relay'] as const;
export type Role = (typeof roles)[number];

export interface StartFlags {
  readonly jobs: string | undefined;
  readonly host: string | undefined;
  readonly port: number | undefined;
  readonly allowHost: readonly string[] | undefined;
  readonly data: string | undefined;
  readonly readOnly: boolean | undefined;
  /** What of it all this process does; left out: everything. */
  readonly role: readonly Role[] | undefined;
  readonly schema: string | undefined;
  readonly concurrency: number | undefined;
  readonly lease: number | undefined;
  readonly maxWaiting: number | undefined;
  readonly queue: readonly string[] | undefined;
}

export interface WorkerFlags {
  readonly queue: readonly string[] | undefined;
  readonly concurrency: number | undefined;
  readonly lease: number | undefined;
  readonly schema: string | undefined;
}

export interface VerifyFlags {
  readonly schema: string | undefined;
  readonly json: boolean | undefined;
  /** False for --no-bodies. */
  readonly bodies: boolean;
  readonly safety: boolean | undefined;
  /** Files of client records; given, the safety check is meant too. */
  readonly records: readonly string[] | undefined;
  /** Every job must have ended; given, the safety check is meant too. */
  readonly ended: boolean | undefined;
}

export interface DoctorFlags {
  readonly schema: string | undefined;
  readonly json: boolean | undefined;
  readonly strict: boolean | undefined;
}

export interface RebuildClaimsFlags {
  readonly schema: string | undefined;
  readonly lockTimeout: number;
}

export interface EpochFlags {
  readonly schema: string | undefined;
  /** Given: a new epoch is opened. */
  readonly reason: string | undefined;
}

/** What the commands do; src/main.ts provides them. */
export interface Actions extends TransferActions {
  start(flags: StartFlags): Promise<void>;
  worker(module: string, flags: WorkerFlags): Promise<void>;
  migrate(flags: { readonly schema: string | undefined }): Promise<void>;
  verify(flags: VerifyFlags): Promise<void>;
  doctor(flags: DoctorFlags): Promise<void>;
  rebuildClaims(flags: RebuildClaimsFlags): Promise<void>;
  epoch(flags: EpochFlags): Promise<void>;
  readonly relay: RelayActions;
}

/** The command line of `daybook`. Options on the line go before environment, and that before defaults. */
export function createProgram(version: string, actions: Actions): Command {
  const program = new Command('daybook')
    .description('A job queue for Postgres in which every change of a job is an event in one log.')
    .version(version)
    .showHelpAfterError('(add --help for the options)')
    .addHelpText(
      'after',
      '\nEnvironment:\n  DATABASE_URL           the Postgres to use; without it `start` brings its own\n  DATABASE_DIRECT_URL    a direct connection, where DATABASE_URL leads through a pooler\n  DAYBOOK_ALLOWED_HOSTS  what --allow-host says, with commas between names\n  EVENTSTORE_URL         the KurrentDB or EventStoreDB that the log is relayed to\n',
    );
  const schema = schemaOption;
  const queue = () =>
    new Option('--queue <name...>', 'queues to work')
      .argParser(eachOnce)
      .default(defaultQueues, 'default');
  const concurrency = () =>
    new Option(
      '--concurrency <n>',
      'jobs of a queue at the same time (default: what the queue’s settings say, or 10)',
    ).argParser(wholeNumber(1, 10_000));
  program
    .command('start')
    .description('serve the API, keep the log and the read models, and run jobs, in one process')
    .option('--jobs <module>', 'module with the job definitions (default: the starter’s)')
    .option('--host <host>', 'address to listen on (default: 127.0.0.1)')
    .addOption(portOption())
    .addOption(
      new Option(
        '--allow-host <name...>',
        'serve requests to these names too (default: loopback’s)',
      )
        .env('DAYBOOK_ALLOWED_HOSTS')
        .argParser(names),
    )
    .option('--data <folder>', 'where the embedded Postgres keeps its data (default: .daybook)')
    .option(
      '--read-only',
      'serve reads from a streaming replica named by DATABASE_URL; run no jobs',
    )
    .addOption(roleOption())
    .addOption(schema())
    .addOption(queue())
    .addOption(concurrency())
    .addOption(leaseOption())
    .addOption(maxWaitingOption())
    .addHelpText('after', '\nExample:\n  daybook start --jobs ./jobs.ts --port 8080\n')
    .action((flags: StartFlags) => actions.start(flags));

  program
    .command('worker')
    .description('run jobs, against the Postgres named by DATABASE_URL')
    .argument('<module>', 'module that exports its definitions as `jobs`')
    .addOption(schema())
    .addOption(queue())
    .addOption(concurrency())
    .addOption(leaseOption())
    .addHelpText('after', '\nExample:\n  daybook worker ./jobs.ts --queue mail --concurrency 50\n')
    .action((module: string, flags: WorkerFlags) => actions.worker(module, flags));

  addMigrate(program, actions, schema());
  addMaintenance(program, actions, schema);
  addEpoch(program, schema(), actions);
  addRelay(program, actions.relay, schema);
  addTransfer(program, actions, schema);
  return program;
}

function addMigrate(program: Command, actions: Actions, schema: Option): void {
  program
    .command('migrate')
    .description('bring the schema in DATABASE_URL to this version')
    .addOption(schema)
    .action((flags: { schema?: string }) => actions.migrate({ schema: flags.schema }));
}

function schemaOption(): Option {
  return new Option('--schema <name>', 'schema of Daybook’s tables').default('daybook');
}

function portOption(): Option {
  const what = 'port to listen on (default: 7070)';
  return new Option('--port <port>', what).argParser(wholeNumber(0, 65_535));
}

function roleOption(): Option {
  const what = `what this process does: ${roles.join(', ')} (default: all)`;
  return new Option('--role <name...>', what).env('DAYBOOK_ROLES').argParser(roleNames);
}

function leaseOption(): Option {
  const what = 'how long the jobs of a process that died stay with it (default: 12000)';
  return new Option('--lease <ms>', what).argParser(wholeNumber(1_000, 3_600_000));
}

function maxWaitingOption(): Option {
  const what = 'jobs that may wait in a queue before submissions are refused (default: any number)';
  return new Option('--max-waiting <n>', what).argParser(wholeNumber(1, 1_000_000_000));
}

function addEpoch(program: Command, schema: Option, actions: Actions): void {
  const epoch = program
    .command('epoch')
    .description('list the epochs of the log in DATABASE_URL')
    .addOption(schema)
    .action(({ schema: name }: { schema: string }) =>
      actions.epoch({ schema: name, reason: undefined }),
    );
  epoch
    .command('new')
    .description('open a new epoch: after the server was put back to a snapshot of its volume')
    .requiredOption('--reason <text>', 'why; kept with the epoch')
    // Of `epoch` itself, and taken in either place.
    .configureHelp({ showGlobalOptions: true })
    .addHelpText('after', "\nExample:\n  daybook epoch new --reason 'volume snapshot of 04:00'\n")
    .action((_: unknown, command: Command) => {
      const flags = command.optsWithGlobals<{ schema: string; reason: string }>();
      return actions.epoch(flags);
    });
}

function addMaintenance(program: Command, actions: Actions, schema: () => Option): void {
  program
    .command('verify')
    .description('prove that the tables in DATABASE_URL are what the log says, while all runs on')
    .option('--json', 'print the report as JSON')
    .option('--no-bodies', 'leave out the hashes of payloads and results')
    .option('--safety', 'also decide from the log whether what must never happen did')
    .addOption(
      new Option('--records <file...>', 'with --safety: hold the log against what clients saw')
        .argParser(names)
        .implies({ safety: true }),
    )
    .addOption(
      new Option('--ended', 'with --safety: every job must have ended').implies({ safety: true }),
    )
    .addOption(schema())
    // Wrong flags end with 2 here: 1 says that something differs.
    .exitOverride()
    .addHelpText(
      'after',
      '\nExit code: 0 nothing found, 1 something differs or is not safe, 2 it could not run\n',
    )
    .action((flags: VerifyFlags) => actions.verify(flags));

  program
    .command('doctor')
    .description('look whether the database in DATABASE_URL is what this version expects')
    .option('--json', 'print the report as JSON')
    .option('--strict', 'end with 1 for what is risky, too')
    .addOption(schema())
    .exitOverride()
    .addHelpText('after', '\nExit code: 0 nothing is wrong, 1 something is, 2 it could not run\n')
    .action((flags: DoctorFlags) => actions.doctor(flags));

  program
    .command('rebuild')
    .description('make tables anew from the log')
    .command('claims')
    .description('make the claim table and the dead jobs anew, keeping writers out meanwhile')
    .addOption(
      new Option('--lock-timeout <ms>', 'how long to wait for others who hold jobs')
        .argParser(wholeNumber(1, 3_600_000))
        .default(10_000),
    )
    .addOption(schema())
    .action((flags: RebuildClaimsFlags) => actions.rebuildClaims(flags));
}

/** Adds to the names given before; the environment has them in one text, with commas. */
function names(text: string, before: readonly string[] = []): readonly string[] {
  const more = text.split(',').map((name) => name.trim());
  return [...before, ...more.filter((name) => name !== '')];
}

function roleNames(text: string, before: readonly Role[] = []): readonly Role[] {
  const given = names(text);
  const unknown = given.find((name) => !roles.includes(name as Role));
  if (unknown === undefined) return [...before, ...(given as Role[])];
  throw new InvalidArgumentError(`must be among ${roles.join(', ')}.`);
}

const defaultQueues: readonly string[] = ['default'];

/** Collects names; those that are given replace the default. */
function eachOnce(name: string, before: readonly string[]): readonly string[] {
  return before === defaultQueues ? [name] : [...new Set([...before, name])];
}

function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== '' && Number.isInteger(value) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`must be a whole number from ${min} to ${max}.`);
  };
}
