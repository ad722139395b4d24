// Not `.` or `..`: URLs resolve them away, so such a queue could not be reached over HTTP.
const NAME_PATTERN = /^(?!\.{1,2}$)[a-z0-9._-]{1,64}$/;

/** True for what a queue or a type may be called: 1 to 64 of a-z, 0-9, dot, underscore, hyphen. */
export function isName(text: string): boolean {
  return NAME_PATTERN.test(text);
}

/** The pattern of `isName`, for schemas. */
export const namePattern = NAME_PATTERN;

/** Priorities go from 0, which runs first, to 9. */
export const priorities = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9] as const;

export const defaultPriority = 4;
