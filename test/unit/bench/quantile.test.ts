import { expect, it } from 'vitest';
import { median } from '../../../bench/measure/quantile.ts';

it.each([
  [[3], 3],
  [[5, 1, 3], 3],
  [[2, 4], 3],
  [[4, 1, 2, 3], 2.5],
  [[], Number.NaN],
])('the median of %j is %d', (values, expected) => {
  expect(median(values)).toBe(expected);
});
