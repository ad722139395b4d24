import { CommanderError, type Command } from 'commander';
import fc from 'fast-check';
import { expect, it, vi } from 'vitest';
import { type Actions, createProgram } from '../../../src/cli/program.ts';
import { FUZZ_SEED } from '../../support/fuzz-settings.ts';
import { hostileText } from '../../support/hostile-values.ts';

const commands = ['start', 'worker ./jobs.ts', 'migrate', 'verify', 'rebuild claims', 'epoch'];
const flags = ['--read-only', '--json', '--no-bodies', '--', '-', '--help', 'new', 'nonsense'];
const options = [
  ['--port', '--host', '--allow-host', '--data', '--schema', '--queue', '--concurrency'],
  ['--lock-timeout', '--reason'],
].flat();

/** NUL cannot stand in a word of a line. */
const argument = fc.oneof(
  fc.integer({ min: -1, max: 70_000 }).map(String),
  hostileText.map((text) => text.replaceAll('\u0000', '')),
);
const part = fc.oneof(
  { weight: 3, arbitrary: fc.tuple(fc.constantFrom(...options), argument) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom(...options), argument)
      .map(([name, given]) => [`${name}=${given}`]),
  },
  { weight: 1, arbitrary: fc.constantFrom(...flags).map((flag) => [flag]) },
);
const line = fc
  .tuple(fc.oneof(fc.constantFrom(...commands), argument), fc.array(part, { maxLength: 2 }))
  .map(([command, parts]) => [...command.split(' '), ...parts.flat()]);

/** What a line led to: the flags of an action, or how commander refused it. */
async function led(words: readonly string[]): Promise<unknown> {
  const taken: unknown[] = [];
  const take = (...given: unknown[]) => Promise.resolve(void taken.push(...given));
  const actions: Actions = {
    start: take,
    worker: take,
    migrate: take,
    doctor: take,
    verify: take,
    rebuildClaims: take,
    exportLog: take,
    restore: take,
    importLog: take,
    epoch: take,
    relay: { status: take, verify: take, restart: take, parked: take, park: take, retry: take },
  };
  const program = createProgram('1.2.3', actions);
  silence(program);
  try {
    await program.parseAsync(['node', 'daybook', ...words]);
  } catch (error) {
    expect(error).toBeInstanceOf(CommanderError);
    return 'refused';
  }
  return taken.at(-1);
}

/** Refusals are thrown instead of ending the process. */
function silence(command: Command): void {
  command.exitOverride().configureOutput({ writeOut: () => undefined, writeErr: () => undefined });
  for (const each of command.commands) silence(each);
}

it('any line leads to an action with flags that can be, or is refused', async () => {
  vi.stubEnv('DAYBOOK_ALLOWED_HOSTS', '');
  let actions = 0;
  const property = fc.asyncProperty(line, async (words) => {
    const given = await led(words);
    if (typeof given !== 'object' || given === null) return;
    actions += 1;
    const { port = 0, concurrency = 1, lockTimeout = 1 } = given as Record<string, number>;
    for (const number of [port, concurrency, lockTimeout])
      expect(number).toSatisfy(Number.isInteger);
    expect(port).toSatisfy((value: number) => value >= 0 && value <= 65_535);
    expect(concurrency).toSatisfy((value: number) => value >= 1 && value <= 10_000);
    expect(lockTimeout).toSatisfy((value: number) => value >= 1 && value <= 3_600_000);
    expect(Object.getPrototypeOf(given)).toBe(Object.prototype);
  });
  await fc.assert(property, { seed: FUZZ_SEED, numRuns: 500 });
  expect(actions).toBeGreaterThan(50);
  expect({}).not.toHaveProperty('polluted');
});
