import { expect, it } from 'vitest';
import { allows } from '../../../bench/peers/installed-peer.ts';

it.each([
  ['>=22.12.0', '20.20.2', false],
  ['>=22.12.0', '22.9.9', false],
  ['>=22.12.0', '22.12.0', true],
  ['>=22.12.0', '24.0.0', true],
  ['>= 14', '20.20.2', true],
  ['>=22', '20.20.2', false],
  ['^18 || >=20.10', '20.20.2', true],
])('%s and Node %s: %s', (wanted, version, allowed) => {
  expect(allows(wanted, version)).toBe(allowed);
});
