import { listBuilds } from '../../consumers/statements/list-builds.ts';
import type { Build } from '../../consumers/builds/build.ts';
import type { Projection } from '../../consumers/consumer.ts';
import { eventTypeCodes } from '../../domain/event-types.ts';
import { projections } from '../../projections/registry.ts';
import type { Database } from '../../store/database.ts';
import { hasMigrations, listMigrations } from '../../store/statements/doctor/list-migrations.ts';
import { listEventTypes } from '../../store/statements/doctor/list-event-types.ts';
import { type Finding, orFine } from '../finding.ts';
import { compareSchemas } from '../schema/compare-schemas.ts';
import { type ExpectedSchema, readExpectedSchema } from '../schema/expected-schema.ts';
import { readSchema, type SchemaDescription, tableOf } from '../schema/schema-description.ts';

export interface SchemaCheck {
  readonly findings: readonly Finding[];
  /** The tables are there, so that what is in them can be looked at. */
  readonly readable: boolean;
}

/** Whether the schema is the one that this version makes: migrations, tables, read models. */
export async function checkSchema(database: Database): Promise<SchemaCheck> {
  const expected = await readExpectedSchema();
  const [migrated] = await database.run(hasMigrations, {});
  if (migrated?.found !== true) {
    const message = `there is no Daybook in the schema ${database.schema}`;
    const advice = 'Run `daybook migrate`, or name the schema with --schema.';
    return {
      findings: [{ check: 'migrations', level: 'wrong', message, advice }],
      readable: false,
    };
  }
  const run = (await database.run(listMigrations, {})).map(({ name }) => name);
  const pending = expected.migrations.filter((name) => !run.includes(name));
  const unknown = run.filter((name) => !expected.migrations.includes(name));
  const migrations = orFine(
    'migrations',
    migrationFindings(pending, unknown),
    `all ${expected.migrations.length} were run`,
  );
  // What a migration has yet to make is missing: to say so for each thing would hide the one remedy.
  if (pending.length > 0) return { findings: migrations, readable: false };
  return compareWith(database, expected, migrations, unknown.length > 0);
}

async function compareWith(
  database: Database,
  expected: ExpectedSchema,
  migrations: readonly Finding[],
  newer: boolean,
): Promise<SchemaCheck> {
  const before = await readSchema(database, []);
  const builds = before.has('table consumer_checkpoints')
    ? await database.run(listBuilds, { name: null })
    : [];
  const models = readModelsOf(builds);
  const found = models.compared.length === 0 ? before : await readSchema(database, models.compared);
  const wanted = without(expected.description, models.leftOut);
  const differences = compareSchemas(wanted, found, newer);
  const types = found.has('table event_types') ? await eventTypeFindings(database) : [];
  const missing = differences.some(
    ({ subject = '', found: present }) => /^(table|column) /.test(subject) && present === undefined,
  );
  return {
    findings: [
      ...migrations,
      ...orFine('schema', [...differences, ...types], `${wanted.size} things as expected`),
      ...orFine('read-models', models.findings, 'all are of this version'),
    ],
    readable: !missing,
  };
}

function migrationFindings(pending: readonly string[], unknown: readonly string[]): Finding[] {
  const findings: Finding[] = pending.map((subject) => ({
    check: 'migrations',
    level: 'wrong',
    subject,
    message: `${subject} was not run`,
    advice: 'Run `daybook migrate` with this version.',
  }));
  if (unknown.length > 0) {
    findings.push({
      check: 'migrations',
      level: 'risky',
      subject: unknown.join(', '),
      message: `a newer version has migrated: ${unknown.join(', ')}`,
      advice: 'Bring this process to that version, too.',
    });
  }
  return findings;
}

interface ReadModels {
  /** Builds that this version made. */
  readonly compared: readonly Build[];
  /** Tables of read models that are expected, but not of what is there. */
  readonly leftOut: readonly string[];
  readonly findings: readonly Finding[];
}

function readModelsOf(builds: readonly Build[]): ReadModels {
  const compared: Build[] = [];
  const leftOut: string[] = [];
  const findings: Finding[] = [];
  for (const projection of projections) {
    const live = builds.find(({ name, role }) => name === projection.name && role === 'live');
    if (live?.version === projection.version) {
      compared.push(live);
      continue;
    }
    leftOut.push(...projection.tables.flatMap(({ name }) => [name, `${name}_#`]));
    findings.push(otherVersion(projection, live));
  }
  return { compared, leftOut, findings };
}

function otherVersion(projection: Projection, live: Build | undefined): Finding {
  const { name, version } = projection;
  const common = { check: 'read-models', level: 'risky', subject: name } as const;
  if (live === undefined) {
    const advice = 'Start a process of Daybook: it makes what is missing.';
    return { ...common, message: `${name} was never made`, advice };
  }
  const message = `${name} is of version ${live.version}, and this is ${version}`;
  return live.version < version
    ? { ...common, message, advice: 'Start a process of this version: it builds the new one.' }
    : { ...common, message, advice: 'Bring this process to the newer version, too.' };
}

function without(expected: SchemaDescription, tables: readonly string[]): SchemaDescription {
  return new Map([...expected].filter(([thing]) => !tables.includes(tableOf(thing))));
}

async function eventTypeFindings(database: Pick<Database, 'run'>): Promise<Finding[]> {
  const rows = await database.run(listEventTypes, {});
  const names = new Map(rows.map(({ code, name }) => [code, name]));
  return Object.entries(eventTypeCodes).flatMap(([name, code]) => {
    const found = names.get(code);
    if (found === name) return [];
    const subject = `event type ${code}`;
    const message = `${subject} is not as expected`;
    const advice = 'Put the row of event_types back; nothing but people reads it.';
    const common = { check: 'schema', level: 'wrong', subject, message, advice } as const;
    return [{ ...common, expected: name, ...(found === undefined ? {} : { found }) }];
  });
}
