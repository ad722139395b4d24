/**
 * Every 2^14th position is a landmark: read models remember how things stood there, and what
 * happened between a landmark and a moment is read from the log, 16,383 events at the most.
 *
 * Fixed, and not where batches happen to end, so that a read model built anew is the same row for
 * row. What begins and ends between two landmarks leaves no trace in these tables, which is most of
 * what happens in a queue that keeps up.
 */
export const landmarkBits = 14;

/** Positions from one landmark to the next. */
export const landmarkSpan = 1n << BigInt(landmarkBits);

/** The last landmark at or before a position; 0 is one, at which nothing had happened. */
export function landmarkBefore(position: bigint): bigint {
  return position - (position % landmarkSpan);
}

/** The first landmark at or after a position. */
export function landmarkFrom(position: bigint): bigint {
  return landmarkBefore(position - 1n) + landmarkSpan;
}

/** How many landmarks lie in a stretch of positions, of which the last does not belong to it. */
export function landmarksIn(from: bigint, to: bigint): bigint {
  return (landmarkBefore(to - 1n) - landmarkBefore(from - 1n)) / landmarkSpan;
}

/** SQL: how many landmarks are below a position, so that two of them tell how many are between. */
export function landmarksBelow(position: string): string {
  return `((${position} - 1) >> ${landmarkBits})`;
}
