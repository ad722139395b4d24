import type { Build } from '../../consumers/builds/build.ts';
import { tableOfBuild } from '../../consumers/builds/build.ts';
import type { Database } from '../../store/database.ts';
import { describeSchema, type ThingRow } from '../../store/statements/doctor/describe-schema.ts';

/** What a schema holds: what each thing looks like, by its kind and name. */
export type SchemaDescription = ReadonlyMap<string, string>;

/** Kinds of things whose names begin with that of their table. */
const partsOfTables = new Set(['column', 'constraint', 'index', 'trigger']);

/**
 * What is in the schema of a database, in words that do not hang on the name of the schema or on how
 * often a read model was built: the tables of a build are called `job_status_#`.
 */
export async function readSchema(
  database: Pick<Database, 'run' | 'schema'>,
  builds: readonly Pick<Build, 'build' | 'tables'>[],
): Promise<SchemaDescription> {
  const things = await database.run(describeSchema, {});
  const rename = withoutSchema(database.schema);
  const tables = builds.flatMap(({ build, tables: names }) =>
    (names ?? []).map((name) => ({ name, table: tableOfBuild(name, build) })),
  );
  return new Map(things.map((thing) => described(thing, rename, tables)));
}

function described(
  { kind, name, definition }: ThingRow,
  rename: (text: string) => string,
  tables: readonly { readonly name: string; readonly table: string }[],
): [string, string] {
  const owner = tables.find(({ table }) => new RegExp(`^${table}(?![0-9])`).test(name));
  const text = rename(definition);
  if (owner === undefined) return [`${kind} ${name}`, text];
  const build = new RegExp(`\\b${owner.table}(?![0-9])`, 'g');
  const general = (each: string) => each.replaceAll(build, `${owner.name}_#`);
  return [`${kind} ${general(name)}`, general(text)];
}

/** Takes the schema out of definitions, where Postgres puts it before names. */
function withoutSchema(schema: string): (text: string) => string {
  const prefix = new RegExp(`(?<![\\w".])"?${schema}"?\\.`, 'g');
  const path = new RegExp(`search_path="?${schema}"?(?!\\w)`, 'g');
  return (text) => text.replaceAll(prefix, '').replaceAll(path, 'search_path=<schema>');
}

/** The table that a thing is, or is part of; for other things their own name. */
export function tableOf(thing: string): string {
  const [kind, name] = splitAt(thing, ' ');
  return partsOfTables.has(kind) ? splitAt(name, '.')[0] : name;
}

/** One line per thing, sorted: what `migrations/schema.txt` holds. */
export function schemaText(description: SchemaDescription): string {
  const lines = [...description].map(([thing, definition]) => `${thing}: ${definition}`);
  return `${lines.toSorted().join('\n')}\n`;
}

/** The other way round. */
export function parseSchemaText(text: string): SchemaDescription {
  const lines = text.split('\n').filter((line) => line !== '');
  return new Map(lines.map((line) => splitAt(line, ': ')));
}

function splitAt(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + separator.length)];
}
