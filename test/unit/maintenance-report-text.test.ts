import { expect, it } from 'vitest';
import { differenceText, reportText } from '../../src/maintenance/report-text.ts';
import type { SafetyReport } from '../../src/verify/safety/safety-check.ts';
import { createFindings, type Finding, type VerifyReport } from '../../src/verify/report.ts';

const key = '0198e0f2-6f2c-7cc3-98c1-2f5d4c1a7b11';
const checked = {
  position: '1234567',
  events: 1_234_567,
  batches: 99,
  jobs: 400_000,
  queues: 3,
  claimRows: 12,
  deadRows: 0,
  payloadRows: 400_000,
  readModels: [{ name: 'job-status', table: 'job_status', rows: null }],
};

const safe: SafetyReport = {
  safe: true,
  violations: [],
  counts: {},
  facts: {
    events: 9,
    jobs: 3,
    claims: 4,
    interrupted: 1,
    live: 0,
    completed: 2,
    cancelled: 0,
    dead: { 'attempts-exhausted': 1, 'not-retryable': 0, 'crashes-its-worker': 0 },
    witnessed: { executions: 5, executionsWithoutOutcome: 1, rejectedOutcomes: 0 },
  },
};

function reportOf(findings: readonly Finding[], keep = 100): VerifyReport {
  const { add, kept, counts } = createFindings(keep);
  for (const finding of findings) add(finding);
  return {
    equal: findings.length === 0,
    differences: kept,
    counts,
    checked,
    safety: null,
    tookMs: 20_000,
  };
}

it('says what was compared, and that it is equal', () => {
  expect(reportText(reportOf([]))).toMatchInlineSnapshot(`
    "Read 1,234,567 events, up to position 1234567, in 20.0 s (61,728/s). Compared:
      jobs          400,000
      queues              3
      claim rows         12
      dead jobs           0
      payloads      400,000
      batches            99
      job_status  not built
    Equal: the tables are what the log says."
  `);
});

it('lists what differs, and counts the rest', () => {
  const finding: Finding = { kind: 'row-missing', table: 'job_claims', key };
  const text = reportText(reportOf([finding, finding, finding], 2));
  expect(text).toContain(`3 things differ:\n  row-missing: job_claims ${key}`);
  expect(text).toMatch(/and 1 more\. By kind:\n {2}row-missing +3$/);
});

it('says what was judged, and that it is safe', () => {
  const text = reportText({ ...reportOf([]), safety: safe });
  expect(text.slice(text.indexOf('Judged'))).toMatchInlineSnapshot(`
    "Judged:
      jobs                             3
      claims                           4
      interrupted                      1
      live                             0
      completed                        2
      cancelled                        0
      dead: attempts-exhausted         1
      dead: not-retryable              0
      dead: crashes-its-worker         0
      runs of handlers                 5
      runs without a recorded outcome  1
      outcomes rejected                0
    Safe: no rule is broken."
  `);
});

it('lists which rules are broken, and counts the rest', () => {
  const violation = {
    rule: 'one-lease',
    streamId: key,
    version: 3,
    position: '17',
    detail: 'claimed while version 2 was claimed',
  } as const;
  const broken = { ...safe, safe: false, violations: [violation], counts: { 'one-lease': 2 } };
  const text = reportText({ ...reportOf([]), safety: broken });
  expect(text).toContain(
    `Rules are broken 2 times:\n  one-lease: ${key} version 3 position 17: claimed while version 2 was claimed\n  and 1 more.`,
  );
});

it.each<[Finding, string]>([
  [
    { kind: 'column-differs', table: 'job_claims', key, column: 'tags', expected: ['a'] },
    `column-differs: job_claims ${key} tags: expected ["a"], found null`,
  ],
  [
    {
      kind: 'event-illegal',
      table: 'events',
      key,
      version: 2,
      position: 17n,
      expected: 'the job was not claimed',
      found: 'JobCompleted',
    },
    `event-illegal: events ${key} version 2 position 17: expected the job was not claimed, found JobCompleted`,
  ],
  [
    { kind: 'position-missing', table: 'events', key: '5', position: 5n, expected: 'an event' },
    'position-missing: events 5: expected an event, found null',
  ],
])('tells one difference in a line (%#)', (finding, line) => {
  const [difference] = reportOf([finding]).differences;
  if (difference === undefined) throw new Error('one was added');
  expect(differenceText(difference)).toBe(line);
});
