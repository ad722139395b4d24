import { z } from 'zod';

interface SchemaNotes {
  /** Makes the schema a component of the OpenAPI document. */
  readonly id?: string | undefined;
  readonly [note: string]: unknown;
}

/**
 * What the OpenAPI document says about schemas. A registry of its own: zod's global one belongs to
 * whoever uses zod in the same process.
 */
export const apiRegistry = z.registry<SchemaNotes>();

/** The first example of each component, by its id. */
const examples = new Map<string, unknown>();

/** Gives a schema a description, and other keywords of JSON Schema; answers the same schema. */
export function described<Schema extends z.ZodType>(
  schema: Schema,
  description: string,
  notes: SchemaNotes = {},
): Schema {
  apiRegistry.add(schema, { description, ...notes });
  return schema;
}

/** Makes a schema a component called `id`, so that others refer to it. */
export function named<Schema extends z.ZodType>(
  id: string,
  schema: Schema,
  description: string,
  notes: SchemaNotes = {},
): Schema {
  if (Array.isArray(notes['examples'])) examples.set(id, notes['examples'][0]);
  return described(schema, description, { ...notes, id });
}

/** An example of the component; undefined where there is none. */
export function exampleOf(id: string): unknown {
  return examples.get(id);
}
