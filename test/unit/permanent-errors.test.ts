import { expect, it } from 'vitest';
import { DaybookError } from '../../src/kernel/errors.ts';
import { isPermanent } from '../../src/store/sqlstate.ts';

const withCode = (code: string) => Object.assign(new Error(code), { code });

it.each([
  ['a value too long for its column', withCode('22001')],
  ['a text that is no JSON', withCode('22P02')],
  ['a statement too complex', withCode('54001')],
  ['a result that is too large', new DaybookError('payload-too-large', '')],
  ['a result that is no JSON', new DaybookError('payload-invalid', '')],
])('%s would fail again', (_, error) => {
  expect(isPermanent(error)).toBe(true);
});

it.each([
  ['a deadlock', withCode('40P01')],
  ['a timeout', withCode('57014')],
  ['a full disk', withCode('53100')],
  ['a standby', withCode('25006')],
  ['a lost connection', withCode('ECONNRESET')],
  ['a database that is away', new DaybookError('database-unavailable', '')],
  ['a missing migration', new DaybookError('migration-needed', '')],
  ['a key that is held', withCode('23505')],
  ['an error without a code', new Error('22001')],
  ['no error at all', 'payload-invalid'],
])('%s may pass', (_, error) => {
  expect(isPermanent(error)).toBe(false);
});
