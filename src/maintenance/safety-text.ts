import type { SafetyReport } from '../verify/safety/safety-check.ts';
import type { Violation } from '../verify/safety/violation.ts';
import { count, table } from './text-table.ts';

/** What the safety check has found, for people. */
export function safetyText({ safe, violations, counts, facts }: SafetyReport): string[] {
  const { dead, witnessed, events: _, ...numbers } = facts;
  const lines = [
    'Judged:',
    ...table([
      ...Object.entries(numbers),
      ...Object.entries(dead).map(([reason, number]) => [`dead: ${reason}`, number] as const),
      ...(witnessed === null ? [] : witnessedRows(witnessed)),
    ]),
  ];
  if (safe) return [...lines, 'Safe: no rule is broken.'];
  const total = Object.values(counts).reduce((sum, each) => sum + each, 0);
  const more = total - violations.length;
  return [
    ...lines,
    total === 1 ? 'One rule is broken:' : `Rules are broken ${count(total)} times:`,
    ...violations.map((each) => `  ${violationText(each)}`),
    ...(more > 0 ? [`  and ${count(more)} more. By rule:`, ...table(Object.entries(counts))] : []),
  ];
}

function witnessedRows(witnessed: NonNullable<SafetyReport['facts']['witnessed']>) {
  const { executions, executionsWithoutOutcome, rejectedOutcomes } = witnessed;
  return [
    ['runs of handlers', executions],
    ['runs without a recorded outcome', executionsWithoutOutcome],
    ['outcomes rejected', rejectedOutcomes],
  ] as const;
}

function violationText({ rule, streamId, version, position, detail }: Violation): string {
  const where = [
    ...(streamId === null ? [] : [streamId]),
    ...(version === null ? [] : [`version ${version}`]),
    ...(position === null ? [] : [`position ${position}`]),
  ];
  return `${rule}: ${where.join(' ')}: ${detail}`;
}
