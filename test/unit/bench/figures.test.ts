import { describe, expect, it } from 'vitest';
import { bestPeerGoal, medianGoal } from '../../../bench/report/figures.ts';
import { findingsText, isMet, shown } from '../../../bench/report/text.ts';
import type { Series } from '../../../bench/scenario.ts';

const unit = 'jobs/s';
const series: readonly Series[] = [
  { name: 'Daybook', unit, values: [90, 120, 30] },
  { name: 'Daybook', unit: 'p99 ms', values: [2] },
  { name: 'one', unit, values: [10, 300, 20] },
  { name: 'another', unit, values: [59, 60, 61] },
  { name: 'failed', unit, values: [] },
  { name: 'of another kind', unit, values: [1_000] },
];
const compared = { ours: 'Daybook', peers: ['one', 'another', 'failed'], bound: { atLeast: 1.25 } };

describe('figures of the benchmark', () => {
  it('compare medians, with the fastest peer that was measured', () => {
    expect(bestPeerGoal(series, compared)).toMatchObject([
      { what: 'Daybook / another', value: 1.5, bound: { atLeast: 1.25 } },
    ]);
  });

  it('say nothing where one side was not measured', () => {
    expect(bestPeerGoal(series, { ...compared, ours: 'Nobody' })).toEqual([]);
    expect(bestPeerGoal(series, { ...compared, peers: ['failed'] })).toEqual([]);
    expect(medianGoal(series, { name: 'one', unit: 'p99 ms' }, { below: 5 })).toEqual([]);
  });

  it('know goals from below and from above, and meet none with nothing', () => {
    const goal = { what: '', unit: '' };
    expect(isMet({ ...goal, value: 1.25, bound: { atLeast: 1.25 } })).toBe(true);
    expect(isMet({ ...goal, value: 5, bound: { below: 5 } })).toBe(false);
    expect(isMet({ ...goal, value: Number.NaN, bound: { atLeast: 0 } })).toBe(false);
    expect(isMet({ ...goal, value: Number.NaN, bound: { below: 1 } })).toBe(false);
  });

  it('are shown with three digits, or all of them before the point', () => {
    expect([12_345.6, 99.94, 1.255, 0.1234, Number.NaN].map(shown)).toEqual([
      '12,346',
      '99.9',
      '1.26',
      '0.123',
      '-',
    ]);
  });

  it('stand in tables, beside how often ours they are', () => {
    const goals = bestPeerGoal(series, compared);
    const text = findingsText({ name: 'cycle', title: 'All' }, { series, goals, notes: ['So.'] });
    expect(text).toContain('| another         | 60.0   | 0.667     | 59.0 · 60.0 · 61.0 |');
    expect(text).toContain('| p99 ms  | median | each |');
    expect(text).toContain('| Daybook / another | >= 1.25 x | 1.50 x   | met |');
    expect(text.endsWith('- So.')).toBe(true);
  });
});
