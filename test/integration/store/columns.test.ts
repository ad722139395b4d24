import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { isStorable } from '../../../src/domain/storable-text.ts';
import { jsonColumn, sparseColumn } from '../../../src/store/parameters/columns.ts';
import { JsonBodies } from '../../../src/store/parameters/json-bodies.ts';
import { createTestDatabase, type TestDatabase } from '../../support/test-database.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.drop());

async function column<Value>(expression: string, parameter: unknown): Promise<Value[]> {
  const { rows } = await db.database.pool.query<{ value: Value }>(
    `select value from (select ${expression} as value) given`,
    [parameter],
  );
  return rows.map(({ value }) => value);
}

const text = fc
  .oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('"', '\\', '\\"', ',', '{}', 'NULL', 'null', ' '),
  )
  .filter(isStorable);

it('reads each text of a column as it was, and each null', async () => {
  const columns = fc.array(fc.option(text), { minLength: 1, maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(columns, async (values) => {
      const read = await column<string | null>('unnest($1::text[])', sparseColumn(values));
      expect(read).toEqual(values.some((value) => value !== null) ? values : []);
    }),
  );
});

it('reads each JSON text of a column as it was', async () => {
  const texts = fc.array(fc.json({ stringUnit: 'binary' }), { minLength: 1, maxLength: 20 });
  const escaped = [String.raw`"\u0000"`, String.raw`"\ud800"`];
  expect(await column('json_array_elements($1::json)::text', jsonColumn(escaped))).toEqual(escaped);
  await fc.assert(
    fc.asyncProperty(texts, async (values) => {
      const read = await column<string>('json_array_elements($1::json)::text', jsonColumn(values));
      expect(read).toEqual(values);
    }),
  );
});

it('reads each body as it was, and each null, whether it comes as bytes or as a text', async () => {
  const body = fc.option(fc.json({ stringUnit: 'binary' }));
  const texts = fc.array(body, { minLength: 1, maxLength: 20 });
  const read = (parameter: unknown) => column<string | null>('unnest($1::json[])::text', parameter);
  const escaped = [String.raw`"\u0000"`, String.raw`"\ud800"`, '"{,}"', 'null'];
  await fc.assert(
    fc.asyncProperty(texts, async (values) => {
      const bodies = new JsonBodies(values);
      expect(await read(bodies.bytes())).toEqual(values);
      expect(await read(bodies)).toEqual(values);
    }),
    { examples: [[escaped], [[null, ...escaped, null]], [[null]]] },
  );
});
