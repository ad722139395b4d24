import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { errorFingerprint } from '../../src/domain/job/error-fingerprint.ts';
import { storableText } from '../../src/domain/storable-text.ts';
import { sha256 } from '../../src/kernel/ids.ts';
import { fingerprintSql } from '../../src/projections/error-fingerprint-sql.ts';
import { defineStatement } from '../../src/store/statement.ts';
import { stopPostgres15, versionsUnderTest } from '../support/postgres-servers.ts';
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts';

/** What the patterns look at, and what lies just beside it. */
const part = fc.oneof(
  fc.constantFrom("'", '"', '`', ' ', '-', '.', ',', ':', '\n', '\t', '\\', '_', '#', '$&', '\\1'),
  fc.constantFrom('0x', '0X', 'x', 'g', 'é', 'ſ', 'K', '٣', '１', '😀', '\u2028', '…'),
  fc.string({
    unit: fc.constantFrom(...Array.from('0123456789abcdefABCDEF')),
    minLength: 1,
    maxLength: 12,
  }),
  fc.uuid(),
  fc.uuid().map((id) => id.toUpperCase()),
  fc.string({ unit: 'grapheme', maxLength: 5 }),
);
const message = fc
  .array(part, { maxLength: 14 })
  .map((parts) => storableText(parts.join(''), 2_000));

const inSql = defineStatement<
  { readonly names: readonly string[]; readonly messages: readonly string[] },
  { fingerprint: string }
>({
  name: 'test-fingerprints',
  sql: () => `
    select ${fingerprintSql("'send'", 'given.name', 'given.message')} as fingerprint
    from unnest($1::text[], $2::text[]) with ordinality as given (name, message, n) order by n`,
  values: ({ names, messages }) => [names, messages],
});

afterAll(() => stopPostgres15());

describe.each(versionsUnderTest())('on Postgres %i', (postgres) => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await createTestDatabase({ postgres });
  });
  afterAll(() => db.drop());

  it('an error has the same fingerprint as in TypeScript', async () => {
    const errors = fc.array(fc.record({ name: message, message }), {
      minLength: 200,
      maxLength: 200,
    });
    await fc.assert(
      fc.asyncProperty(errors, async (given) => {
        const names = given.map(({ name }) => name);
        const messages = given.map((error) => error.message);
        const rows = await db.database.run(inSql, { names, messages });
        expect(rows.map(({ fingerprint }) => fingerprint.replaceAll('-', ''))).toEqual(
          given.map((error) => errorFingerprint('send', error, sha256)),
        );
      }),
      { numRuns: 30 },
    );
  });
});
