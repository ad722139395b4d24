/**
 * Columns of a batch as Postgres reads them, written here because `pg` quotes and escapes each element
 * of an array: that was a tenth of the processor time of a job. For `unnest` of several arrays.
 */

/** Numbers, UUIDs and hex digits: nothing in them that would have to be quoted. */
export function plainColumn(values: readonly (string | number)[]): string {
  return `{${values.join(',')}}`;
}

/** JSON texts as one JSON array, for `json_array_elements` and `jsonb_array_elements`. */
export function jsonColumn(texts: readonly string[]): string {
  return `[${texts.join(',')}]`;
}

/** A column that is mostly null. `unnest` fills the shorter array up, so one of nulls only is empty. */
export function sparseColumn<Value>(values: readonly (Value | null)[]): readonly (Value | null)[] {
  return values.every((value) => value === null) ? [] : values;
}
