import { afterEach, describe, expect, it, vi } from 'vitest';
import { createProgram, type EpochFlags, type StartFlags } from '../../../src/cli/program.ts';
import type { RelayActions } from '../../../src/cli/relay-commands.ts';

afterEach(() => vi.unstubAllEnvs());

const nothing = () => Promise.resolve();
const relay = {
  status: nothing,
  verify: nothing,
  restart: nothing,
  parked: nothing,
  park: nothing,
  retry: nothing,
};

/** Commands that do nothing. */
const actions = {
  start: nothing,
  worker: nothing,
  migrate: nothing,
  verify: nothing,
  doctor: nothing,
  rebuildClaims: nothing,
  epoch: nothing,
  exportLog: nothing,
  restore: nothing,
  importLog: nothing,
  relay,
};

/** The flags that `daybook start` gets from a command line. */
async function startFlags(...line: string[]): Promise<StartFlags> {
  const start = vi.fn<(flags: StartFlags) => Promise<void>>(() => Promise.resolve());
  const program = createProgram('1.2.3', { ...actions, start });
  await program.parseAsync(['node', 'daybook', 'start', ...line]);
  return start.mock.calls[0]?.[0] as StartFlags;
}

describe('--allow-host', () => {
  it('takes any number of names, in one go or several', async () => {
    const { allowHost, port } = await startFlags('--allow-host', 'a', 'b', '--port', '1');
    expect([allowHost, port]).toEqual([['a', 'b'], 1]);
    expect((await startFlags('--allow-host', 'a', '--allow-host', 'b,c')).allowHost).toEqual([
      'a',
      'b',
      'c',
    ]);
  });

  it('stands in the environment, which the line goes before', async () => {
    vi.stubEnv('DAYBOOK_ALLOWED_HOSTS', ' daybook, queue.internal,');
    expect((await startFlags()).allowHost).toEqual(['daybook', 'queue.internal']);
    expect((await startFlags('--allow-host', 'other')).allowHost).toEqual(['other']);
    vi.stubEnv('DAYBOOK_ALLOWED_HOSTS', '');
    expect((await startFlags()).allowHost ?? []).toEqual([]);
  });
});

describe('--queue', () => {
  it.each([
    ['the default', [], ['default']],
    ['those named', ['--queue', 'mail', 'sms'], ['mail', 'sms']],
    ['those named one by one', ['--queue', 'mail', '--queue', 'sms'], ['mail', 'sms']],
    ['the default, named', ['--queue', 'default', 'mail'], ['default', 'mail']],
    ['each once', ['--queue', 'mail', 'sms', 'mail', '--queue', 'sms'], ['mail', 'sms']],
  ])('works %s of the queues', async (_, line, queues) => {
    expect((await startFlags(...line)).queue).toEqual(queues);
  });
});

it('--role names what a process does, on the line or in the environment', async () => {
  expect(await startFlags()).not.toHaveProperty('role');
  expect((await startFlags('--role', 'api', 'worker,projector')).role).toEqual([
    'api',
    'worker',
    'projector',
  ]);
  vi.stubEnv('DAYBOOK_ROLES', 'sequencer, caretaker');
  expect((await startFlags()).role).toEqual(['sequencer', 'caretaker']);
});

it('--concurrency has no default, so that the queue’s settings hold', async () => {
  expect(await startFlags()).not.toHaveProperty('concurrency');
  expect(await startFlags('--concurrency', '20')).toMatchObject({ concurrency: 20 });
});

it.each([
  ['--lease', 'lease', '2000', 2_000],
  ['--max-waiting', 'maxWaiting', '50000', 50_000],
])('%s has no default: the option’s own holds', async (flag, name, text, value) => {
  expect(await startFlags()).not.toHaveProperty(name);
  expect(await startFlags(flag, text)).toMatchObject({ [name]: value });
});

describe('epoch', () => {
  async function epochFlags(...line: string[]): Promise<unknown> {
    const epoch = vi.fn<(flags: EpochFlags) => Promise<void>>(() => Promise.resolve());
    await createProgram('1.2.3', { ...actions, epoch }).parseAsync(['node', 'daybook', ...line]);
    return epoch.mock.calls[0]?.[0];
  }

  it('has a schema, wherever it stands, and a reason for a new one', async () => {
    expect(await epochFlags('epoch')).toEqual({ schema: 'daybook', reason: undefined });
    const wanted = { schema: 's', reason: 'why' };
    expect(await epochFlags('epoch', 'new', '--schema', 's', '--reason', 'why')).toEqual(wanted);
    expect(await epochFlags('epoch', '--schema', 's', 'new', '--reason', 'why')).toEqual(wanted);
  });
});

describe('relay', () => {
  const runWith = (given: Partial<RelayActions>, ...line: string[]) => {
    const made = createProgram('1.2.3', { ...actions, relay: { ...relay, ...given } });
    const commands = made.commands.flatMap((each) => [each, ...each.commands]);
    for (const command of [made, ...commands]) {
      command.exitOverride().configureOutput({ writeErr: () => undefined });
    }
    return made.parseAsync(['node', 'daybook', 'relay', ...line]);
  };

  it('restarts from a position from 1, and nothing else', async () => {
    const restart = vi.fn<RelayActions['restart']>(nothing);
    const run = (...line: string[]) => runWith({ restart }, ...line);
    await run('restart', '--from', '12');
    expect(restart.mock.calls[0]?.[0]).toEqual({ from: 12n, schema: 'daybook' });
    for (const wrong of ['0', '-1', '1.5', 'all', '']) {
      await expect(run('restart', '--from', wrong)).rejects.toThrow('must be a position');
    }
    await expect(run('restart')).rejects.toThrow('--from');
  });

  it('parks a stream, and is told why', async () => {
    const park = vi.fn<RelayActions['park']>(nothing);
    await runWith({ park }, 'park', 'job-1', '--reason', 'asked');
    expect(park.mock.calls[0]?.slice(0, 2)).toEqual([
      'job-1',
      { reason: 'asked', schema: 'daybook' },
    ]);
    await expect(runWith({ park }, 'park', 'job-1')).rejects.toThrow('--reason');
    await expect(runWith({ park }, 'park', '--reason', 'x')).rejects.toThrow('stream');
  });
});
