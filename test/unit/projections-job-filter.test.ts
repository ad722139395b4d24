import { describe, expect, it } from 'vitest';
import { createUuidV7 } from '../../src/kernel/ids.ts';
import { idBounds, pageLimit, wantedStates } from '../../src/projections/job-status/job-filter.ts';

describe('the states of a filter', () => {
  it('are all where none are named', () => {
    expect(wantedStates({})).toEqual({
      statuses: ['waiting', 'running', 'completed', 'dead', 'cancelled'],
      scheduled: true,
      ready: true,
      retrying: true,
      all: true,
    });
  });

  it('are those with a wanted phase', () => {
    expect(wantedStates({ phases: ['retrying', 'dead'] })).toEqual({
      statuses: ['waiting', 'dead'],
      scheduled: false,
      ready: false,
      retrying: true,
      all: false,
    });
  });

  it('are those that both statuses and phases allow', () => {
    const { statuses } = wantedStates({ statuses: ['dead', 'running'], phases: ['ready', 'dead'] });
    expect(statuses).toEqual(['dead']);
    expect(wantedStates({ statuses: ['running'], phases: ['ready'] }).statuses).toEqual([]);
    expect(wantedStates({ statuses: [] }).statuses).toEqual([]);
  });
});

describe('the bounds of ids', () => {
  const now = Date.UTC(2026, 10, 22);
  const hour = 3_600_000;
  const idAt = (ms: number) => createUuidV7(() => ms)();

  it('hold every id without times and cursor', () => {
    const { from, below } = idBounds({});
    expect(from <= idAt(0)).toBe(true);
    expect(idAt(2 ** 48 - 2) < below).toBe(true);
  });

  it('hold ids of the time, made by clocks up to an hour wrong', () => {
    const { from, below } = idBounds({ submittedAfterMs: now, submittedBeforeMs: now + 1 });
    expect(from <= idAt(now - hour)).toBe(true);
    expect(from > idAt(now - hour - 1)).toBe(true);
    expect(idAt(now + hour) < below).toBe(true);
    expect(idAt(now + hour + 1) < below).toBe(false);
  });

  it('end before the cursor, or where the times end before it', () => {
    const cursor = idAt(now);
    expect(idBounds({ cursor }).below).toBe(cursor);
    expect(idBounds({ cursor, submittedBeforeMs: now - 2 * hour }).below < cursor).toBe(true);
  });
});

it.each([
  [50, 50],
  [0, 1],
  [-3, 1],
  [2.9, 2],
  [5_000, 1_000],
])('a limit of %d gives pages of at most %d', (limit, most) => {
  expect(pageLimit({ limit })).toBe(most);
});
