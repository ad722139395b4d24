import type { DoctorReport, Finding, Level } from '../doctor/finding.ts';

/** A report for people: what is well in one line each, what is not with what to do. */
export function doctorText({ version, schema, verdict, findings }: DoctorReport): string {
  const width = Math.max(...findings.map(({ check }) => check.length));
  const lines = findings.flatMap((finding) => findingLines(finding, width));
  return [`Daybook ${version}, schema ${schema}`, ...lines, conclusion(verdict, findings)].join(
    '\n',
  );
}

function findingLines(finding: Finding, width: number): string[] {
  const { check, level, message, expected, found, advice } = finding;
  const indent = ' '.repeat(width + 9);
  return [
    `${level.padEnd(5)}  ${check.padEnd(width)}  ${message}`,
    ...(expected === undefined ? [] : [`${indent}expected: ${expected}`]),
    ...(expected === undefined || found === undefined ? [] : [`${indent}found:    ${found}`]),
    ...(advice === undefined ? [] : [`${indent}try: ${advice}`]),
  ];
}

function conclusion(verdict: Level, findings: readonly Finding[]): string {
  if (verdict === 'fine') return 'All is well.';
  const many = (level: Level) => findings.filter((each) => each.level === level).length;
  return `${many('wrong')} wrong, ${many('risky')} risky.`;
}
