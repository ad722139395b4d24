import { createRequire } from 'node:module';
import { expect, it, vi } from 'vitest';
import { relayFromEnvironment } from '../../../src/config/relay-environment.ts';
import type { StartFlags } from '../../../src/cli/program.ts';
import { loadTargetMaker } from '../../../src/relay/target/open-target.ts';
import { start } from '../../../src/running.ts';
import { openTestDaybook } from '../../support/open-daybook.ts';

const { cache } = createRequire(import.meta.url);
const loaded = () =>
  Object.keys(cache).filter((path) => /@eventstore|@kurrent|@grpc|protobuf/.test(path));

it('loads nothing of the client without a target, and the client with one', async () => {
  expect(relayFromEnvironment({ EVENTSTORE_URL: '' })).toBeUndefined();
  const without = await openTestDaybook();
  await without.close();
  expect(loaded()).toEqual([]);
  const relay = relayFromEnvironment({ EVENTSTORE_URL: 'esdb://127.0.0.1:1?tls=false' });
  if (relay === undefined) throw new Error('a URL is a relay');
  const daybook = await openTestDaybook({ relay });
  const names = (await daybook.consumers.list()).map(({ name }) => name);
  await daybook.close();
  expect(loaded()).not.toEqual([]);
  expect(names).toContain('relay');
});

it('says what is wrong with the settings of the relay', () => {
  const of = (more: Record<string, string>) => () =>
    relayFromEnvironment({ EVENTSTORE_URL: 'esdb://127.0.0.1:1', ...more });
  expect(of({ EVENTSTORE_URL: 'http://127.0.0.1' })).toThrow('esdb://user:password@host:port');
  expect(of({ EVENTSTORE_CLIENT: 'other' })).toThrow('client');
  expect(of({ DAYBOOK_RELAY_PAYLOADS: 'no' })).toThrow('DAYBOOK_RELAY_PAYLOADS is 0 or 1');
  expect(of({ DAYBOOK_RELAY_PAYLOADS: '0' })()).toMatchObject({ payloads: false });
});

it('does not start a process that is to relay, and nothing else, without a target', async () => {
  vi.stubEnv('EVENTSTORE_URL', '');
  vi.stubEnv('DATABASE_URL', 'postgres://127.0.0.1:1/nowhere');
  const flags: Partial<StartFlags> = { role: ['relay'] };
  await expect(start(flags as StartFlags)).rejects.toMatchObject({
    code: 'invalid-options',
    message: 'EVENTSTORE_URL is not set, and so there is nothing to relay to.',
  });
  vi.unstubAllEnvs();
});

it('says so where the successor of the client is not installed', async () => {
  vi.doMock('@kurrent/kurrentdb-client', () => {
    throw new Error('ERR_MODULE_NOT_FOUND');
  });
  const url = 'esdb://127.0.0.1:1?tls=false';
  const maker = loadTargetMaker({ url, client: 'kurrent', appends: 'batch' });
  await expect(maker).rejects.toMatchObject({
    code: 'relay-client-missing',
    message: 'The package @kurrent/kurrentdb-client cannot be loaded.',
  });
  vi.doUnmock('@kurrent/kurrentdb-client');
});
