import { expect, it } from 'vitest';
import { createBatchSize } from '../../src/consumers/reading/batch-size.ts';

it('starts at 5,000 and grows to 20,000 while full batches are quick', () => {
  const size = createBatchSize({});
  expect(size.now()).toBe(5_000);
  size.took(249, true);
  expect(size.now()).toBe(10_000);
  size.took(1, true);
  size.took(1, true);
  expect(size.now()).toBe(20_000);
});

it('stays as it is after a quick batch that was not full, and after one that took its time', () => {
  const size = createBatchSize({});
  size.took(1, false);
  size.took(250, true);
  size.took(1_000, true);
  expect(size.now()).toBe(5_000);
});

it('shrinks after a slow batch, and after one that failed, to 100', () => {
  const size = createBatchSize({});
  size.took(1_001, false);
  expect(size.now()).toBe(2_500);
  size.failed();
  expect(size.now()).toBe(1_250);
  for (let time = 0; time < 10; time += 1) size.failed();
  expect(size.now()).toBe(100);
});
