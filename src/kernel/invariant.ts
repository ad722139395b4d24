import { DaybookError } from './errors.ts';

/**
 * States what must be true at this point; stays on in production.
 * @throws DaybookError `internal` when `condition` does not hold: a defect in Daybook, never in its use.
 */
export function invariant(condition: unknown, claim: string): asserts condition {
  if (!condition) throw new DaybookError('internal', `This should always hold: ${claim}`);
}
