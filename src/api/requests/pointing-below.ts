import { DaybookError, isDaybookError } from '../../kernel/errors.ts';

/** The error, with pointers into a list as pointers into the body that has the list there. */
export function pointingBelow(error: unknown, prefix: string): unknown {
  if (!isDaybookError(error) || error.fields.length === 0) return error;
  return new DaybookError(error.code, error.message, {
    cause: error,
    facts: error.facts,
    fields: error.fields.map((field) => ({ ...field, pointer: prefix + field.pointer })),
  });
}
