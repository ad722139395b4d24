import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startTestServer } from '../support/postgres-servers.ts';
import { type SqlMutant, sqlMutants } from './sql-mutants.ts';

/**
 * Breaks one rule of a statement at a time, in a copy of the project, and sees whether the tests that
 * should notice do. Exits with 1 if one does not. An argument chooses mutants by a part of their name.
 */
const root = fileURLToPath(new URL('../../', import.meta.url));
const parts = ['src', 'test', 'migrations', 'package.json', 'tsconfig.json', 'vitest.config.ts'];

async function main(): Promise<void> {
  const wanted = process.argv[2] ?? '';
  const chosen = sqlMutants.filter(({ file, does }) => `${file}: ${does}`.includes(wanted));
  const copy = mkdtempSync(join(tmpdir(), 'daybook-sql-mutants-'));
  for (const part of parts) cpSync(join(root, part), join(copy, part), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  const server = await startTestServer(18);
  const survivors: SqlMutant[] = [];
  try {
    const all = [...new Set(chosen.flatMap(({ tests }) => tests))];
    if ((await testsIn(copy, all, server.connectionString)) !== 0) {
      throw new Error(`These fail without a mutant: ${all.join(', ')}`);
    }
    for (const mutant of chosen) {
      const killed = await isKilled(copy, mutant, server.connectionString);
      console.log(`${killed ? 'killed  ' : 'SURVIVED'}  ${mutant.file}: ${mutant.does}`);
      if (!killed) survivors.push(mutant);
    }
  } finally {
    await server.stop();
    rmSync(copy, { recursive: true, force: true });
  }
  console.log(`${chosen.length - survivors.length} of ${chosen.length} killed`);
  process.exitCode = survivors.length === 0 ? 0 : 1;
}

async function isKilled(copy: string, mutant: SqlMutant, address: string): Promise<boolean> {
  const file = join(copy, 'src/store/statements', mutant.file);
  const text = readFileSync(file, 'utf8');
  const { rule, broken } = mutant;
  if (text.split(rule).length !== 2) throw new Error(`${mutant.file} does not say once: ${rule}`);
  writeFileSync(
    file,
    text.replace(rule, () => broken),
  );
  try {
    return (await testsIn(copy, mutant.tests, address)) !== 0;
  } finally {
    writeFileSync(file, text);
  }
}

/** Tests that break a rule themselves, and so fail where it is not in the text: that kills nothing. */
const holdingUp = [
  'remembers no missing numbers',
  'where new numbers go first',
  'with xmax the number is lost',
  'one past the last completed id',
];

/** The exit code of the tests. */
async function testsIn(copy: string, tests: readonly string[], address: string): Promise<number> {
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const files = tests.map((test) => `test/integration/${test}.test.ts`);
  const settings = ['--project', 'integration', '--bail', '1', '--reporter', 'dot'];
  const others = ['--testNamePattern', `^(?!.*(${holdingUp.join('|')}))`];
  const run = spawn(process.execPath, [vitest, 'run', ...settings, ...others, ...files], {
    cwd: copy,
    env: { ...process.env, DAYBOOK_TEST_DATABASE_URL: address },
    stdio: 'ignore',
  });
  const [code] = (await once(run, 'exit')) as [number | null];
  return code ?? 1;
}

await main();
