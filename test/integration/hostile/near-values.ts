import fc from 'fast-check';
import { hostileValue, trickyKeys } from '../../support/hostile-values.ts';

/**
 * A value with one thing wrong somewhere in it: a part replaced, left out, doubled, wrapped, or one
 * too many.
 */
export function nearly(values: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc.tuple(values, fc.nat(), fault).map(([value, at, change]) => {
    const places = placesIn(value);
    const place = places[at % places.length] ?? [];
    return changed(value, place, change);
  });
}

type Place = readonly (string | number)[];
type Fault = (value: unknown) => unknown;

const fault: fc.Arbitrary<Fault> = fc.oneof(
  { weight: 6, arbitrary: hostileValue.map((other) => () => other) },
  { weight: 1, arbitrary: fc.constant<Fault>(() => undefined) },
  { weight: 1, arbitrary: fc.constant<Fault>((value) => [value]) },
  { weight: 1, arbitrary: fc.constant<Fault>((value) => [value, value]) },
  { weight: 1, arbitrary: fc.constant<Fault>((value) => JSON.stringify(value)) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.oneof(fc.constantFrom(...trickyKeys, 'extra'), fc.string()), hostileValue)
      .map(
        ([key, extra]): Fault =>
          (value) =>
            withKey(value, key, extra),
      ),
  },
);

function withKey(value: unknown, key: string, extra: unknown): unknown {
  if (typeof value !== 'object' || value === null) return { [key]: value };
  // Made by parsing, so that `__proto__` is a key like any other.
  const text = JSON.stringify({ ...value }).slice(0, -1);
  const comma = text === '{' ? '' : ',';
  return JSON.parse(`${text}${comma}${JSON.stringify(key)}:${JSON.stringify(extra) ?? 'null'}}`);
}

function placesIn(value: unknown, at: Place = []): Place[] {
  if (typeof value !== 'object' || value === null) return [at];
  const below = Object.entries(value).flatMap(([key, part]) => placesIn(part, [...at, key]));
  return [at, ...below];
}

function changed(value: unknown, [key, ...rest]: Place, change: Fault): unknown {
  if (key === undefined) return change(value);
  if (Array.isArray(value)) {
    return value.map((part, index) => (String(index) === key ? changed(part, rest, change) : part));
  }
  const entries = Object.entries(value as object);
  return Object.fromEntries(
    entries.map(([each, part]) => [each, each === key ? changed(part, rest, change) : part]),
  );
}
