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

/** A column of texts or numbers in which nulls, and one and the same value, are frequent. */
export function sparseColumn(values: readonly (string | number | null)[]): string {
  // `unnest` fills the shorter array up, so one of nulls only may as well be empty.
  if (values.every((value) => value === null)) return '{}';
  let last: string | number | null = null;
  let written = 'NULL';
  const elements = values.map((value) => {
    if (value !== last) {
      last = value;
      written = elementOf(value);
    }
    return written;
  });
  return `{${elements.join(',')}}`;
}

function elementOf(value: string | number | null): string {
  if (value === null) return 'NULL';
  return typeof value === 'number' ? String(value) : `"${value.replaceAll(/["\\]/g, '\\$&')}"`;
}
