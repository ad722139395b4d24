import { type Command, InvalidArgumentError, Option } from 'commander';
import { isUuid } from '../kernel/uuid.ts';

export interface ExportFlags {
  readonly schema: string | undefined;
  readonly after: bigint | undefined;
  readonly queue: readonly string[] | undefined;
  readonly type: readonly string[] | undefined;
  readonly job: readonly string[] | undefined;
}

export interface RestoreFlags {
  readonly schema: string | undefined;
  readonly from: 'ndjson' | 'kurrentdb';
  readonly source: string | undefined;
}

export interface TransferActions {
  exportLog(file: string | undefined, flags: ExportFlags): Promise<void>;
  restore(file: string | undefined, flags: RestoreFlags): Promise<void>;
  importLog(file: string, flags: { readonly schema: string | undefined }): Promise<void>;
}

const exitCodes =
  '\nExit code: 0 restored and proved equal, 1 verify found a difference, 2 nothing was restored\n';

/** The commands that take a log out of a database, and put one into it. */
export function addTransfer(
  program: Command,
  actions: TransferActions,
  schema: () => Option,
): void {
  const list = (flag: string, what: string) => new Option(flag, what);
  program
    .command('export')
    .description('write the log in DATABASE_URL as NDJSON of CloudEvents, with payloads')
    .argument('[file]', 'where to write (default, and -: to stdout)')
    .addOption(new Option('--after <position>', 'only what comes later').argParser(position))
    .addOption(list('--queue <name...>', 'only events of these queues'))
    .addOption(list('--type <name...>', 'only events of jobs of these types'))
    .addOption(list('--job <id...>', 'only events of these jobs').argParser(jobIds))
    .addOption(schema())
    .addHelpText('after', '\nExample:\n  daybook export | gzip > log.ndjson.gz\n')
    .action((file: string | undefined, flags: ExportFlags) => actions.exportLog(file, flags));

  program
    .command('restore')
    .description('put a whole log back into the empty database in DATABASE_URL, and prove it')
    .argument('[file]', 'of `daybook export`, with --from ndjson; - for stdin')
    .addOption(
      new Option('--from <kind>', 'what to restore from')
        .choices(['ndjson', 'kurrentdb'])
        .default('ndjson'),
    )
    .option('--source <source>', 'which log, with --from kurrentdb, as /daybook/<schema>')
    .addOption(schema())
    .exitOverride()
    .addHelpText('after', exitCodes)
    .action((file: string | undefined, flags: RestoreFlags) => actions.restore(file, flags));

  program
    .command('import')
    .description('begin a new log in the empty database in DATABASE_URL with a part of another one')
    .argument('<file>', 'of `daybook export`; - for stdin')
    .addOption(schema())
    .exitOverride()
    .addHelpText('after', exitCodes)
    .action((file: string, flags: { schema: string }) => actions.importLog(file, flags));
}

function position(text: string): bigint {
  if (/^\d{1,18}$/.test(text)) return BigInt(text);
  throw new InvalidArgumentError('must be a position of the log.');
}

function jobIds(text: string, before: readonly string[] = []): readonly string[] {
  if (isUuid(text)) return [...before, text];
  throw new InvalidArgumentError('must be the id of a job.');
}
