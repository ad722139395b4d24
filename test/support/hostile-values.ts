import fc from 'fast-check';

/** Texts that something on the way may trip over. */
const trickyTexts = [
  ['', ' ', '\u0000', 'a\u0000b', '\uD800', 'x\uDFFF', '\uDC00\uD800', '\u202Eabc', '\uFEFF'],
  ['\uFFFF', '🦀', 'İ', 'ﬀ', '\r\n', 'a\nb', '\t', '\u007F', '\u0085', '"', "'", '\\', '$1', '%'],
  ['%00', '_', '.', '..', '../../etc/passwd', '{}', '[]', '{1,2}', '{"a":1}'],
  ["'; drop table daybook.events; --", '__proto__', 'constructor', 'prototype', 'toString'],
  ['hasOwnProperty', 'null', 'undefined', 'true'],
].flat();

const trickyNumbers = [
  ['NaN', 'Infinity', '-0', '0x10', '1e3', '1_000', '0.5', '-1', '00', '32768', '2147483647'],
  ['2147483648', '9007199254740992', '9223372036854775807', '9223372036854775808'],
  ['9999999999999999999', '99999999999999999999', '1e400'],
].flat();

const trickyTimes = [
  ['9999-12-31T23:59:59-23:59', '9999-12-31T23:59:59.999Z', '0000-01-01T00:00:00Z'],
  ['0001-01-01T00:00:00+23:59', '1969-12-31T23:59:59Z', '1970-01-01T00:00:00Z'],
  ['2026-02-30T00:00:00Z', '2016-12-31T23:59:60Z', '2026-11-22T24:00:00Z', '2026-11-22'],
  ['2026-11-22T09:30:00.123456789012345678Z', '+275760-09-13T00:00:00.000Z', 'infinity'],
  ['epoch', 'now', 'start', 'end', 'beginning'],
].flat();

const ID = '0198e0f2-6f2c-7cc3-98c1-2f5d4c1a7b11';
const trickyTokens = [
  ['00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff'],
  [ID, ID.toUpperCase(), ID.replaceAll('-', ''), `{${ID}}`, `${ID}\n`, `urn:uuid:${ID}`],
  ['v1.1.1', 'v1.1.9223372036854775807', 'v1.1.9223372036854775808', 'v1.999999999.0', 'v2.1.1'],
  [`1.${ID}.1`, `999999999.${ID}.999999999`, `0.${ID}.0`, `9223372036854775807.${ID}`],
  [`9999999999999999999.1.${ID}`, '1.1.MDAwMDAwMDAwMDAw', 'MDAwMDAwMDAwMDAw', '=', '-_-_'],
].flat();

const long = fc.nat(12).map((power) => 'x'.repeat(2 ** power));

/** Half of a pair, NUL, letters beyond the first plane, and whatever else a text may hold. */
export const hostileText: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...trickyTexts) },
  { weight: 3, arbitrary: fc.constantFrom(...trickyNumbers) },
  { weight: 2, arbitrary: fc.constantFrom(...trickyTimes) },
  { weight: 3, arbitrary: fc.constantFrom(...trickyTokens) },
  { weight: 1, arbitrary: fc.bigInt({ min: 0n, max: 10n ** 20n }).map(String) },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 20 }) },
  { weight: 1, arbitrary: fc.array(fc.nat(0xffff), { maxLength: 10 }).map(ofUnits) },
  { weight: 1, arbitrary: long },
);

/** Units of UTF-16, whether they are characters or not. */
function ofUnits(units: readonly number[]): string {
  return String.fromCharCode(...units);
}

export const hostileNumber: fc.Arbitrary<number> = fc.oneof(
  fc.constantFrom(
    0,
    -0,
    -1,
    0.5,
    1e-320,
    2 ** 15,
    2 ** 31 - 1,
    2 ** 31,
    2 ** 32,
    Number.MAX_SAFE_INTEGER,
    2 ** 53,
    2 ** 63,
    1e21,
    1e308,
    -1e308,
    253_402_300_799_000,
    253_402_300_800_000,
    8.64e15,
  ),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);

/** Keys that are something else in JavaScript. */
export const trickyKeys = ['__proto__', 'constructor', 'prototype', 'toString', '', '\u0000', '0'];

/** Anything JSON can say, of the worst kind. */
export const hostileValue: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    { weight: 1, arbitrary: fc.constantFrom<unknown>(null, true, false) },
    { weight: 2, arbitrary: hostileNumber },
    { weight: 4, arbitrary: hostileText },
    { weight: 1, arbitrary: fc.array(tie('value'), { maxLength: 3 }) },
    {
      weight: 1,
      arbitrary: fc
        .array(fc.tuple(fc.oneof(fc.constantFrom(...trickyKeys), fc.string()), tie('value')), {
          maxLength: 3,
        })
        .map(objectOf),
    },
  ),
})).value;

/** With `__proto__` as a key like any other. */
function objectOf(entries: readonly (readonly [string, unknown])[]): object {
  const made = {};
  for (const [key, value] of entries) {
    Object.defineProperty(made, key, {
      value,
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return made;
}

/** Bodies that are no JSON, or JSON of a kind that nobody writes. */
const brokenTexts = [
  '{',
  '{"type":',
  '{} {}',
  'type',
  "{'type':'x'}",
  '{"type":"x",}',
  '{"type":"x","type":"y"}',
  '{"__proto__":{"admin":true}}',
  '{"type":"x","__proto__":{"admin":true}}',
  '{"constructor":{"prototype":{"admin":true}}}',
  '{"type":"x","payload":{"\\u005f_proto__":1}}',
  '\uFEFF{"type":"x"}',
  '{"type":"x","payload":1e999}',
  '{"type":"x","payload":-1e999}',
  `{"type":"x","payload":${'9'.repeat(400)}}`,
  `{"type":"x","payload":0.${'1'.repeat(400)}}`,
  '{"type":"x","payload":"\\u0000"}',
  '{"type":"x","payload":"\\ud800"}',
  '{"type":"x","payload":{"\\u0000":1}}',
  '{"type":"x","payload":01}',
  '{"type":"x","payload":NaN}',
  '{"type":"\u0000x"}',
  'null',
  'true',
  '0',
  '""',
  '[]',
  '[[]]',
];

/** A body as it goes over the wire. */
export const brokenBody: fc.Arbitrary<Buffer> = fc.oneof(
  fc.constantFrom(...brokenTexts).map((text) => Buffer.from(text)),
  fc
    .integer({ min: 1, max: 3_000 })
    .map((depth) => Buffer.from(`${'['.repeat(depth)}${']'.repeat(depth)}`)),
  fc
    .integer({ min: 1, max: 3_000 })
    .map((depth) =>
      Buffer.from(`{"type":"x","payload":${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}}`),
    ),
  fc.uint8Array({ minLength: 1, maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
  fc
    .uint8Array({ minLength: 1, maxLength: 4 })
    .map((bytes) => Buffer.concat([Buffer.from('{"type":"'), bytes, Buffer.from('"}')])),
);
