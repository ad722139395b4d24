import { expect, it } from 'vitest';
import { hostListOf } from '../../../src/kernel/servers/host-list.ts';

it.each(['postgres://u:p@a:1/d', 'postgres://a', '/var/run/postgresql d', 'socket:/x?db=d', 'x,y'])(
  'leaves %s alone, which names one server',
  (text) => {
    expect(hostListOf(text)).toBeUndefined();
  },
);

it.each([
  [
    'postgres://u:p,w@a:1,[::1]:2,c/d?sslmode=require',
    ['a:1', '[::1]:2', 'c'].map((host) => `postgres://u:p,w@${host}/d?sslmode=require`),
    'read-write',
  ],
  [
    'postgresql://a,b/d?target_session_attrs=prefer-standby',
    ['postgresql://a/d', 'postgresql://b/d'],
    'prefer-standby',
  ],
  [
    'postgres://u@a,b?target_session_attrs=primary',
    ['postgres://u@a', 'postgres://u@b'],
    'read-write',
  ],
  ['postgres://u@a/d?target_session_attrs=standby', ['postgres://u@a/d'], 'read-only'],
])('names the servers of %s', (text, servers, wanted) => {
  expect(hostListOf(text)).toEqual({ servers, wanted });
});

it('knows no other wish', () => {
  expect(() => hostListOf('postgres://a,b/d?target_session_attrs=fast')).toThrow(RangeError);
});
