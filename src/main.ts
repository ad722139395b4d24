#!/usr/bin/env node
import { CommanderError } from 'commander';
import {
  createProgram,
  type DoctorFlags,
  type RebuildClaimsFlags,
  type VerifyFlags,
} from './cli/program.ts';
import { tellFailure } from './cli/tell-failure.ts';
import { databaseUrl } from './config/database-url.ts';
import { databaseOptions, parseOptions } from './config/options.ts';
import { readVersion } from './daybook.ts';
import {
  type CommandTarget,
  runDoctor,
  runEpoch,
  runRebuildClaims,
  runVerify,
} from './maintenance/commands.ts';
import { relayActions } from './maintenance/relay-actions.ts';
import { transferActions } from './maintenance/transfer-actions.ts';
import { start, worker } from './running.ts';
import { migrate } from './store/migrate.ts';

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
