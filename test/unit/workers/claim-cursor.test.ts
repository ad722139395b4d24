import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromTheFront } from '../../../src/commands/work/claim-jobs.ts';
import { type ClaimCursor, createClaimCursor } from '../../../src/workers/claiming/claim-cursor.ts';
import { createFakeClock, type FakeClock } from '../../../src/testing/fake-clock.ts';
import { claimedJob } from './claimed-job.ts';

/** How far behind the last claim the next one starts. */
const slackMs = 2_000;

/** One full claim that takes `ms`, of one job; answers where it started to look. */
function claimFull(cursor: ClaimCursor, clock: FakeClock, ms = 0, runAtMs = 10_000): number[] {
  const started = [...cursor.next()];
  clock.advance(ms);
  cursor.claimed([claimedJob({ priority: 4, runAtMs })], 1);
  return started;
}

/** From the front, but for some priorities. */
function from(starts: Readonly<Record<number, number>>): number[] {
  return fromTheFront.map((front, priority) => starts[priority] ?? front);
}

describe('a claim', () => {
  it('is a sweep from the front at first', () => {
    const cursor = createClaimCursor(createFakeClock());
    expect(cursor.next()).toStrictEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  });

  it('starts two seconds behind the last job of its priority, where that claim was full', () => {
    const cursor = createClaimCursor(createFakeClock());
    cursor.next();
    const jobs = [
      claimedJob({ priority: 0, runAtMs: 50_000 }),
      claimedJob({ priority: 0, runAtMs: 50_007 }),
      claimedJob({ priority: 9, runAtMs: 30_000 }),
    ];
    cursor.claimed(jobs, 3);
    expect(cursor.next()).toStrictEqual(from({ 0: 50_007 - slackMs, 9: 30_000 - slackMs }));
  });

  it('never goes back: not for older jobs, which a sweep or the slack has found', () => {
    const clock = createFakeClock();
    const cursor = createClaimCursor(clock);
    claimFull(cursor, clock, 0, 50_000);
    claimFull(cursor, clock, 0, 49_000);
    expect(cursor.next()).toStrictEqual(from({ 4: 48_000 }));
  });

  it('starts at the front where the last job was due within the slack of 1970', () => {
    const clock = createFakeClock();
    const cursor = createClaimCursor(clock);
    claimFull(cursor, clock, 0, slackMs - 1);
    expect(cursor.next()).toStrictEqual(fromTheFront);
  });

  it('goes on from where it was after a sweep between', () => {
    const clock = createFakeClock();
    const cursor = createClaimCursor(clock);
    claimFull(cursor, clock, 0, 50_000);
    clock.advance(1_001);
    expect(claimFull(cursor, clock, 0, 51_000)).toStrictEqual(fromTheFront);
    expect(cursor.next()).toStrictEqual(from({ 4: 49_000 }));
  });

  it('is of one queue: another cursor knows nothing of it', () => {
    const clock = createFakeClock();
    claimFull(createClaimCursor(clock), clock);
    expect(createClaimCursor(clock).next()).toStrictEqual(fromTheFront);
    expect(fromTheFront).toStrictEqual(Array.from({ length: 10 }, () => 0));
  });
});

describe('a sweep', () => {
  it('follows a claim that came back short, or empty', () => {
    const cursor = createClaimCursor(createFakeClock());
    for (const jobs of [[claimedJob({ runAtMs: 10_000 })], []]) {
      cursor.next();
      cursor.claimed([claimedJob({ runAtMs: 10_000 })], 1);
      expect(cursor.next()).not.toStrictEqual(fromTheFront);
      cursor.claimed(jobs, 2);
      expect(cursor.next()).toStrictEqual(fromTheFront);
      cursor.claimed(jobs, 2);
    }
  });

  it('follows sweeps for as long as these come back short', () => {
    const cursor = createClaimCursor(createFakeClock());
    for (let round = 0; round < 3; round += 1) {
      expect(cursor.next()).toStrictEqual(fromTheFront);
      cursor.claimed([claimedJob({ runAtMs: 10_000 })], 2);
    }
  });

  it('comes when the last one is over a second ago, however full the claims are', () => {
    const clock = createFakeClock();
    const cursor = createClaimCursor(clock);
    claimFull(cursor, clock);
    clock.advance(1_000);
    expect(claimFull(cursor, clock)).not.toStrictEqual(fromTheFront);
    clock.advance(1);
    expect(claimFull(cursor, clock)).toStrictEqual(fromTheFront);
  });

  it('is counted from the end of the last one, not from its start', () => {
    const clock = createFakeClock();
    const cursor = createClaimCursor(clock);
    claimFull(cursor, clock, 40);
    clock.advance(1_000);
    expect(claimFull(cursor, clock)).not.toStrictEqual(fromTheFront);
    clock.advance(1);
    expect(claimFull(cursor, clock)).toStrictEqual(fromTheFront);
  });

  it('that took long is not repeated before nineteen times as long, also after short claims', () => {
    const clock = createFakeClock();
    const cursor = createClaimCursor(clock);
    for (const wanted of [1, 2]) {
      expect(cursor.next()).toStrictEqual(fromTheFront);
      clock.advance(100);
      cursor.claimed([claimedJob({ runAtMs: 10_000 })], wanted);
      clock.advance(1_899);
      expect(cursor.next()).not.toStrictEqual(fromTheFront);
      cursor.claimed([claimedJob({ runAtMs: 10_000 })], wanted);
      clock.advance(1);
    }
  });

  it('is held back by sweeps only, not by how long other claims took', () => {
    const clock = createFakeClock();
    const cursor = createClaimCursor(clock);
    claimFull(cursor, clock);
    claimFull(cursor, clock, 900);
    clock.advance(101);
    expect(claimFull(cursor, clock)).toStrictEqual(fromTheFront);
  });

  it('takes 5 % of the time at the most, and comes each second where that allows it', () => {
    const round = fc.record({
      pauseMs: fc.nat(300),
      claimMs: fc.oneof(fc.nat(5), fc.nat(400)),
      full: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(round, { minLength: 1, maxLength: 100 }), (rounds) => {
        const clock = createFakeClock();
        const cursor = createClaimCursor(clock);
        let endedAt = -Infinity;
        let tookMs = 0;
        for (const { pauseMs, claimMs, full } of rounds) {
          clock.advance(pauseMs);
          const since = clock.elapsedMs() - endedAt;
          const sweeps = cursor.next().every((start) => start === 0);
          if (sweeps) expect(tookMs).toBeLessThanOrEqual(0.05 * (tookMs + since));
          else expect(since <= 1_000 || since < 19 * tookMs).toBe(true);
          clock.advance(claimMs);
          if (sweeps) {
            endedAt = clock.elapsedMs();
            tookMs = claimMs;
          }
          cursor.claimed([claimedJob({ runAtMs: 10_000 })], full ? 1 : 2);
        }
      }),
    );
  });
});
