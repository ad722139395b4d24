import { relayFromEnvironment } from '../config/relay-environment.ts';
import { DaybookError } from '../kernel/errors.ts';
import type { CommandTarget } from './commands.ts';
import { runExport, runRestore, runRestoreFromFile } from './transfer-commands.ts';

interface Flags {
  readonly schema: string | undefined;
}

interface ExportFlags extends Flags {
  readonly after: bigint | undefined;
  readonly queue: readonly string[] | undefined;
  readonly type: readonly string[] | undefined;
  readonly job: readonly string[] | undefined;
}

interface RestoreFlags extends Flags {
  readonly from: 'ndjson' | 'kurrentdb';
  readonly source: string | undefined;
}

/**
 * What `daybook export`, `restore` and `import` do.
 * @param targetOf on which database @param failed tells what ended a command that ends with 2
 */
export function transferActions(
  targetOf: (schema: string | undefined) => CommandTarget,
  failed: (error: unknown) => void,
) {
  /** Direct where there is such an address: a restore is one transaction. */
  const directly = (schema: string | undefined): CommandTarget => {
    const target = targetOf(schema);
    const direct = process.env['DATABASE_DIRECT_URL'] ?? '';
    return direct === '' ? target : { ...target, connectionString: direct };
  };
  const ending = async (work: () => Promise<0 | 1>) => {
    try {
      process.exitCode = await work();
    } catch (error) {
      failed(error);
      process.exitCode = 2;
    }
  };
  return {
    exportLog(file: string | undefined, { schema, after = 0n, queue, type, job }: ExportFlags) {
      const filter = { queues: queue, jobTypes: type, jobs: job };
      return runExport(targetOf(schema), { file: file === '-' ? undefined : file, after, filter });
    },
    restore: (file: string | undefined, { schema, from, source }: RestoreFlags) =>
      ending(() => {
        if (from === 'kurrentdb') return restoreRelayed(directly(schema), file, source);
        if (source !== undefined) {
          throw new DaybookError('invalid-options', '--source goes with --from kurrentdb.');
        }
        return runRestoreFromFile(directly(schema), { mode: 'restore', file: named(file) });
      }),
    importLog: (file: string, { schema }: Flags) =>
      ending(() => runRestoreFromFile(directly(schema), { mode: 'import', file })),
  };
}

function named(file: string | undefined): string {
  if (file !== undefined) return file;
  throw new DaybookError('invalid-options', 'Name the file to restore from, or - for stdin.');
}

async function restoreRelayed(
  target: CommandTarget,
  file: string | undefined,
  source: string | undefined,
): Promise<0 | 1> {
  if (file !== undefined) {
    const message = `--from kurrentdb reads no file: leave out ${file}, or say --from ndjson.`;
    throw new DaybookError('invalid-options', message);
  }
  const relay = relayFromEnvironment(process.env);
  if (relay === undefined) {
    const message = 'EVENTSTORE_URL is not set: name the KurrentDB to restore from.';
    throw new DaybookError('invalid-options', message);
  }
  const { withKurrentSource } = await import('./kurrent-source.ts');
  return withKurrentSource(relay, source, (log) => runRestore(target, 'restore', log));
}
