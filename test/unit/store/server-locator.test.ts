import { expect, it, vi } from 'vitest';
import type { WantedServer } from '../../../src/kernel/servers/host-list.ts';
import { createServerLocator, type ServerRole } from '../../../src/store/pool/server-locator.ts';

const primary = (timeline: string): ServerRole => ({ readOnly: false, timeline });
const standby: ServerRole = { readOnly: true, timeline: '' };

function locate(
  roles: Record<string, ServerRole | undefined>,
  wanted: WantedServer = 'read-write',
) {
  const ask = vi.fn<(server: string) => Promise<ServerRole>>((server) => {
    const role = roles[server];
    return role === undefined ? Promise.reject(new Error(`no ${server}`)) : Promise.resolve(role);
  });
  return { ask, locator: createServerLocator({ servers: Object.keys(roles), wanted }, ask) };
}

it.each([
  ['read-write', { a: standby, b: primary('00000001') }, 'b'],
  ['read-write', { a: primary('00000009'), b: primary('0000000A'), c: standby }, 'b'],
  ['read-write', { a: undefined, b: primary('00000002') }, 'b'],
  ['read-only', { a: primary('00000001'), b: standby }, 'b'],
  ['prefer-standby', { a: primary('00000001'), b: undefined }, 'a'],
  ['prefer-standby', { a: primary('00000001'), b: standby }, 'b'],
  ['any', { a: undefined, b: standby, c: standby }, 'b'],
] as const)('finds %s among %j', async (wanted, roles, server) => {
  expect(await locate(roles, wanted).locator.find()).toBe(server);
});

it('asks once for many, and again when what it found is forgotten', async () => {
  const roles: Record<string, ServerRole | undefined> = { a: primary('00000001'), b: standby };
  const { ask, locator } = locate(roles);
  expect(await Promise.all([locator.find(), locator.find()])).toEqual(['a', 'a']);
  roles['a'] = undefined;
  roles['b'] = primary('00000002');
  expect(await locator.find()).toBe('a');
  locator.forget('b');
  expect(await locator.find()).toBe('a');
  expect(ask).toHaveBeenCalledTimes(2);
  locator.forget('a');
  expect(await locator.find()).toBe('b');
});

it('says why there is none, and looks again', async () => {
  const roles: Record<string, ServerRole | undefined> = { a: undefined, b: standby };
  const { locator } = locate(roles);
  await expect(locator.find()).rejects.toMatchObject({
    code: 'ECONNREFUSED',
    message: 'None of 2 servers can be used: no a; answers, but is not read-write.',
  });
  roles['a'] = primary('00000001');
  expect(await locator.find()).toBe('a');
});
