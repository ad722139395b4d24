import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createProgram } from '../../src/cli/program.ts';
import { serverOptions } from '../../src/config/options.ts';

// What can be said of the image without a container engine: that it is made of what there is.

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string) => readFileSync(join(root, path), 'utf8');
const dockerfile = read('Dockerfile');
const compose = read('docker-compose.yml');
const manifest = JSON.parse(read('package.json')) as {
  bin: Record<string, string>;
  scripts: Record<string, string>;
};

/** The arguments of an instruction in its JSON form. */
function listOf(instruction: string): string[] {
  const [, list = ''] = new RegExp(`^${instruction} (\\[.*\\])$`, 'm').exec(dockerfile) ?? [];
  return JSON.parse(list) as string[];
}

/** Runs a command line through the program, with actions that do nothing; fails where it is refused. */
async function parse(line: readonly string[]): Promise<void> {
  const nothing = new Proxy({}, { get: () => () => Promise.resolve() });
  const program = createProgram('1.2.3', nothing as Parameters<typeof createProgram>[1]);
  program.exitOverride();
  for (const command of program.commands) command.exitOverride();
  await program.parseAsync(['node', 'daybook', ...line]);
}

describe('the Dockerfile', () => {
  const sources = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(
    ([, files = '']) => files.split(' '),
  );

  it('copies what is there, and what .dockerignore lets through', () => {
    expect(sources).toContain('migrations');
    expect(sources.filter((file) => !existsSync(join(root, file)))).toEqual([]);
    const ignored = read('.dockerignore').split('\n');
    expect(sources.filter((file) => ignored.includes(file))).toEqual([]);
  });

  it('copies all that the build reads', () => {
    const config = JSON.parse(read('tsconfig.build.json')) as { extends: string };
    expect(sources).toEqual(expect.arrayContaining(['src', 'package-lock.json', '.npmrc']));
    expect(sources).toEqual(
      expect.arrayContaining(['tsconfig.build.json', config.extends.replace('./', '')]),
    );
    for (const [, script = ''] of dockerfile.matchAll(/npm run (\S+)/g)) {
      expect(Object.keys(manifest.scripts)).toContain(script);
    }
  });

  it('starts the bin, with flags that it knows, on the port that it shows', async () => {
    expect(listOf('ENTRYPOINT')).toEqual(['node', manifest.bin['daybook']]);
    await expect(parse(listOf('CMD'))).resolves.toBeUndefined();
    const { port } = serverOptions.parse({});
    expect(dockerfile).toMatch(new RegExp(`^EXPOSE ${port}$`, 'm'));
    expect(dockerfile).toContain(`http://127.0.0.1:${port}/health/ready`);
  });
});

describe('docker-compose.yml', () => {
  it('gives commands that the program knows, and publishes on loopback alone', async () => {
    const commands = [...compose.matchAll(/^ +command: (\[.*\])$/gm)];
    expect(commands).toHaveLength(1);
    for (const [, line = ''] of commands) {
      await expect(parse(JSON.parse(line) as string[])).resolves.toBeUndefined();
    }
    const published = [...compose.matchAll(/^ +- "([^"]*:7070)"$/gm)].map(([, port]) => port);
    expect(published).toEqual(['127.0.0.1:7070:7070']);
  });

  it('sets variables that docs/configuration.md knows', () => {
    const known = read('docs/configuration.md');
    const names = [...compose.matchAll(/^ +((?:DATABASE|DAYBOOK)_[A-Z_]+):/gm)];
    expect(names.map(([, name]) => name)).toEqual(['DATABASE_URL', 'DAYBOOK_ALLOWED_HOSTS']);
    for (const [, name = ''] of names) expect(known).toContain(`\`${name}\``);
  });
});
