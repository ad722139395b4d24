import type { Difference, VerifyReport } from '../verify/report.ts';
import { safetyText } from './safety-text.ts';
import { count, table } from './text-table.ts';

/** A report for people. */
export function reportText(report: VerifyReport): string {
  const { checked, tookMs, equal } = report;
  const perSecond = count(Math.round((checked.events / Math.max(tookMs, 1)) * 1_000));
  const lines = [
    `Read ${count(checked.events)} events, up to position ${checked.position}, in ${seconds(tookMs)} (${perSecond}/s). Compared:`,
    ...table([
      ['jobs', checked.jobs],
      ['queues', checked.queues],
      ['claim rows', checked.claimRows],
      ['dead jobs', checked.deadRows],
      ['payloads', checked.payloadRows],
      ['batches', checked.batches],
      ...checked.readModels.map(({ table: name, rows }) => [name, rows] as const),
    ]),
  ];
  const compared = equal ? ['Equal: the tables are what the log says.'] : differencesText(report);
  const judged = report.safety === null ? [] : safetyText(report.safety);
  return [...lines, ...compared, ...judged].join('\n');
}

function differencesText({ differences, counts }: VerifyReport): string[] {
  const total = Object.values(counts).reduce((sum, each) => sum + each, 0);
  const more = total - differences.length;
  return [
    total === 1 ? 'One thing differs:' : `${count(total)} things differ:`,
    ...differences.map((each) => `  ${differenceText(each)}`),
    ...(more > 0 ? [`  and ${count(more)} more. By kind:`, ...table(Object.entries(counts))] : []),
  ];
}

/** One difference in one line. */
export function differenceText(difference: Difference): string {
  const { kind, table: name, key, version, position, column, expected, found } = difference;
  const where = [
    name,
    key,
    ...(version === null ? [] : [`version ${version}`]),
    ...(position === null || position === key ? [] : [`position ${position}`]),
    ...(column === null ? [] : [column]),
  ].join(' ');
  if (kind === 'row-missing') return `${kind}: ${where}`;
  if (kind === 'row-extra') return `${kind}: ${where}: ${shown(found)}`;
  return `${kind}: ${where}: expected ${shown(expected)}, found ${shown(found)}`;
}

const LONGEST = 200;

function shown(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length <= LONGEST ? text : `${text.slice(0, LONGEST)}…`;
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
