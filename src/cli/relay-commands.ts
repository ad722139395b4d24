import { type Command, InvalidArgumentError, Option } from 'commander';

export interface RelayFlags {
  readonly schema: string | undefined;
}

export interface RelayVerifyFlags extends RelayFlags {
  readonly json: boolean | undefined;
}

/** What `daybook relay` does; src/main.ts provides it. */
export interface RelayActions {
  status(flags: RelayFlags): Promise<void>;
  verify(flags: RelayVerifyFlags): Promise<void>;
  restart(flags: RelayFlags & { readonly from: bigint }): Promise<void>;
  parked(flags: RelayFlags): Promise<void>;
  park(stream: string, flags: RelayFlags & { readonly reason: string }): Promise<void>;
  /** @param stream undefined for all */
  retry(stream: string | undefined, flags: RelayFlags): Promise<void>;
}

/** `daybook relay`: the relay of the log in DATABASE_URL to the server in EVENTSTORE_URL. */
export function addRelay(program: Command, actions: RelayActions, schema: () => Option): void {
  const relay = program
    .command('relay')
    .description('look after the relay of the log to KurrentDB (EVENTSTORE_URL)');
  relay
    .command('status')
    .description('say how far it is, and whether it gets on')
    .addOption(schema())
    .action((flags: RelayFlags) => actions.status(flags));
  relay
    .command('verify')
    .description('hold every event in the target against the log, and the log against the target')
    .option('--json', 'print the report as JSON')
    .addOption(schema())
    .exitOverride()
    .addHelpText(
      'after',
      '\nExit code: 0 both sides are the same, 1 something differs, 2 it could not run\n',
    )
    .action((flags: RelayVerifyFlags) => actions.verify(flags));
  relay
    .command('restart')
    .description('relay again from a position on: what is in the target already stays as it is')
    .addOption(
      new Option('--from <position>', 'the first position to relay again')
        .argParser(position)
        .makeOptionMandatory(),
    )
    .addOption(schema())
    .action((flags: RelayFlags & { from: bigint }) => actions.restart(flags));
  relay
    .command('parked')
    .description('list the events that are put aside, and why')
    .addOption(schema())
    .action((flags: RelayFlags) => actions.parked(flags));
  relay
    .command('park')
    .description('set the stream aside at which the relay has stopped, and go on with all others')
    .argument('<stream>', 'as job-<id>')
    .requiredOption('--reason <text>', 'why; kept with what stopped it')
    .addOption(schema())
    .action((stream: string, flags: RelayFlags & { reason: string }) =>
      actions.park(stream, flags),
    );
  relay
    .command('retry')
    .description('have parked streams tried again, in order')
    .argument('[stream]', 'one of them, as job-<id> (default: all)')
    .addOption(schema())
    .action((stream: string | undefined, flags: RelayFlags) => actions.retry(stream, flags));
}

function position(text: string): bigint {
  if (/^[1-9]\d{0,17}$/.test(text)) return BigInt(text);
  throw new InvalidArgumentError('It must be a position of the log, from 1.');
}
