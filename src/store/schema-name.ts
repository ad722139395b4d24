import { DaybookError } from '../kernel/errors.ts';

const SCHEMA_PATTERN = /^[a-z_][a-z0-9_]{0,47}$/;

/**
 * The schema as it stands in statements. The pattern leaves nothing to escape; the quotes keep a name
 * that is also a keyword.
 * @throws DaybookError `invalid-options`
 */
export function quotedSchema(schema: string): string {
  if (!SCHEMA_PATTERN.test(schema) || schema.startsWith('pg_')) {
    throw new DaybookError(
      'invalid-options',
      `"${schema}" cannot be a schema for Daybook: use 1 to 48 of a-z, 0-9 and _, no digit first, and not pg_.`,
    );
  }
  return `"${schema}"`;
}
