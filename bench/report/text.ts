import { contenders } from '../contenders/registry.ts';
import { median } from '../measure/quantile.ts';
import type { Costs, Findings, Goal, Scenario, Series } from '../scenario.ts';

/** What was found, as tables of Markdown that can also be read as they are. */
export function findingsText(
  { name, title }: Pick<Scenario, 'name' | 'title'>,
  found: Findings,
): string {
  const { series, costs = [], goals, notes = [] } = found;
  const units = [...new Set(series.map(({ unit }) => unit))];
  const parts = [
    `## ${name}: ${title}`,
    ...units.map((unit) =>
      seriesTable(
        unit,
        series.filter((each) => each.unit === unit),
      ),
    ),
    ...(costs.length === 0 ? [] : [costsTable(costs)]),
    ...(goals.length === 0 ? [] : [goalsTable(goals)]),
    ...(notes.length === 0 ? [] : [notes.map((note) => `- ${note}`).join('\n')]),
  ];
  return parts.join('\n\n');
}

export function isMet({ value, bound }: Goal): boolean {
  return 'atLeast' in bound ? value >= bound.atLeast : value < bound.below;
}

/** As many digits as say something: 12,345, 12.3, 0.123. */
export function shown(value: number): string {
  if (Number.isNaN(value)) return '-';
  const digits =
    Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : Math.abs(value) >= 1 ? 2 : 3;
  return value.toLocaleString('en', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}

function seriesTable(unit: string, series: readonly Series[]): string {
  const own = series.find(isOurs);
  const compared = own !== undefined && !series.every(isOurs);
  const rows = series.map(({ name, values }) => {
    const middle = median(values);
    const times = compared ? [shown(middle / median(own.values))] : [];
    return [name, shown(middle), ...times, values.map(shown).join(' · ')];
  });
  return table([unit, 'median', ...(compared ? [`/ ${own.name}`] : []), 'each'], rows);
}

/** Whether it is Daybook that was measured. */
export function isOurs({ name }: Series): boolean {
  return name.startsWith(contenders.daybook.title);
}

function costsTable(costs: readonly Costs[]): string {
  const head = [
    'costs',
    'CPU s per 100,000 jobs: Node',
    'server',
    'per job: WAL bytes',
    'rows written',
    'transactions',
    'dead tuples at the end',
  ];
  const rows = costs.map((each) => [
    each.name,
    ...[
      each.nodeSeconds,
      each.serverSeconds,
      each.walBytes,
      each.rowsWritten,
      each.transactions,
      each.deadTuples,
    ].map(shown),
  ]);
  return table(head, rows);
}

function goalsTable(goals: readonly Goal[]): string {
  const rows = goals.map((goal) => {
    const { what, floor = false, value, bound, unit } = goal;
    const wanted = 'atLeast' in bound ? `>= ${shown(bound.atLeast)}` : `< ${shown(bound.below)}`;
    const space = unit === '' ? '' : ` ${unit}`;
    return [
      floor ? `${what} (floor)` : what,
      `${wanted}${space}`,
      `${shown(value)}${space}`,
      isMet(goal) ? 'met' : '**not met**',
    ];
  });
  return table(['goal', 'wanted', 'measured', ''], rows);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((cell, column) =>
    Math.max(3, cell.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`;
  return [line(head), rule, ...rows.map(line)].join('\n');
}
