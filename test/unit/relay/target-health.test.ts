import { beforeEach, expect, it } from 'vitest';
import { systemClock } from '../../../src/kernel/clock.ts';
import { createTargetHealth, type TargetHealth } from '../../../src/relay/target-health.ts';

let nowMs: number;
let health: TargetHealth;
beforeEach(() => {
  nowMs = 0;
  health = createTargetHealth({ ...systemClock, elapsedMs: () => nowMs }, () => 0);
});

/** Failures one after the other, far enough apart to count one by one. */
function fail(...errors: string[]): void {
  for (const error of errors) {
    nowMs += 200;
    health.failed(error);
  }
}

it('takes a few failures for chance, and leaves the target alone after more of them', () => {
  fail('a', 'b', 'c');
  expect([health.trouble, health.restMs]).toEqual([null, 0]);
  fail('d');
  expect([health.trouble, health.restMs]).toEqual(['d', 25]);
  fail('e', 'f');
  expect([health.trouble, health.restMs]).toEqual(['f', 100]);
  nowMs += 60;
  expect(health.restMs).toBe(40);
});

it('never leaves it alone for long', () => {
  fail(...Array.from({ length: 100 }, () => 'gone'));
  expect(health.restMs).toBe(750);
});

it('takes what fails at the same time for one failure', () => {
  for (let n = 0; n < 100; n += 1) health.failed('broken');
  expect([health.trouble, health.restMs]).toEqual([null, 0]);
});

it('forgets what was with the first that goes through', () => {
  fail('a', 'b', 'c', 'd');
  for (let n = 0; n < 19; n += 1) expect(health.refused()).toBe(false);
  health.succeeded();
  expect([health.trouble, health.successes]).toEqual([null, 1]);
  fail('a', 'b', 'c');
  expect(health.trouble).toBeNull();
  for (let n = 0; n < 19; n += 1) expect(health.refused()).toBe(false);
  expect(health.refused()).toBe(true);
});
