import fc from 'fast-check';
import { type ApiDocument, resolved, type Schema } from './document.ts';

/** What is known of the server under test, by the names of fields: ids that exist, tokens that count. */
export type Samples = Readonly<Record<string, readonly unknown[]>>;

/** Values that a schema takes, as far as its keywords say; `name` is that of the field. */
export function valuesOf(
  document: ApiDocument,
  samples: Samples,
  schema: Schema,
  name: string,
): fc.Arbitrary<unknown> {
  const { $ref } = schema;
  if ($ref !== undefined) return valuesOf(document, samples, resolved(document, schema), name);
  const below = (each: Schema, field = name) => valuesOf(document, samples, each, field);
  const made = () => {
    if (schema.const !== undefined) return fc.constant(schema.const);
    if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
    const branches = schema.anyOf ?? schema.oneOf;
    if (branches !== undefined) return fc.oneof(...branches.map((branch) => below(branch)));
    switch (schema.type) {
      case 'string':
        return texts(schema);
      case 'integer':
        return fc.oneof(fc.constantFrom(...numbersAtEnds(schema)), fc.integer(bounds(schema)));
      case 'number':
        return fc.double({ ...bounds(schema), noNaN: true });
      case 'boolean':
        return fc.boolean();
      case 'null':
        return fc.constant(null);
      case 'array':
        return fc.array(below(schema.items ?? {}), {
          minLength: schema.minItems ?? 0,
          maxLength: Math.min(schema.maxItems ?? 3, 3),
        });
      case 'object':
        return objects(schema, samples, below);
      default:
        return fc.jsonValue({ maxDepth: 2 });
    }
  };
  const known = samples[name];
  if (
    known === undefined ||
    known.length === 0 ||
    schema.type === 'object' ||
    schema.type === 'array'
  )
    return made();
  return fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom(...known) },
    { weight: 1, arbitrary: made() },
  );
}

/** 2^53 and beyond is asked for by the hostile values; a page of so many is no page. */
const LARGE = 10_000;

function bounds({ minimum = -LARGE, maximum = LARGE }: Schema) {
  const min = Math.max(minimum, -LARGE);
  return { min, max: Math.max(min, Math.min(maximum, LARGE)) };
}

function numbersAtEnds({ minimum = 0, maximum = 1 }: Schema): number[] {
  return [minimum, maximum];
}

const DAY = 86_400_000;

function texts({ pattern, format, minLength = 0, maxLength = 20 }: Schema): fc.Arbitrary<string> {
  if (format === 'date-time') {
    const min = new Date(Date.now() - DAY);
    const max = new Date(Date.now() + DAY);
    return fc.date({ min, max, noInvalidDate: true }).map((date) => date.toISOString());
  }
  if (pattern !== undefined && !pattern.includes('(?!')) {
    return fc.stringMatching(new RegExp(pattern), { maxLength: 40 });
  }
  // The one pattern that looks ahead: what queues and types may be called.
  if (pattern !== undefined) return fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,20}$/);
  return fc.string({ minLength, maxLength: Math.min(maxLength, 20) });
}

/** A record with a few of its fields, and all that are required: with many, something always clashes. */
export function someOf<Value>(
  fields: Readonly<Record<string, fc.Arbitrary<Value>>>,
  required: readonly string[] = [],
): fc.Arbitrary<Record<string, Value>> {
  const parts = Object.entries(fields).map(([name, value]) =>
    required.includes(name)
      ? value.map((given) => [[name, given] as const])
      : fc.oneof(
          { weight: 2, arbitrary: fc.constant([]) },
          { weight: 1, arbitrary: value.map((given) => [[name, given] as const]) },
        ),
  );
  return fc.tuple(...parts).map((entries) => Object.fromEntries(entries.flat()));
}

function objects(
  { properties = {}, required = [] }: Schema,
  samples: Samples,
  below: (schema: Schema, field: string) => fc.Arbitrary<unknown>,
): fc.Arbitrary<unknown> {
  const fields = Object.fromEntries(
    Object.entries(properties).map(([field, schema]) => [field, below(schema, field)]),
  );
  const made = someOf(fields, required);
  // A claim is known by two fields together.
  const claims = samples['claim'];
  if (fields['leaseToken'] === undefined || claims === undefined) return made;
  return fc
    .tuple(made, fc.option(fc.constantFrom(...claims)))
    .map(([value, claim]) => ({ ...value, ...(claim as object | null) }));
}
