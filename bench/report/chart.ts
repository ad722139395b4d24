import { median } from '../measure/quantile.ts';
import type { Series } from '../scenario.ts';
import type { Results } from './results.ts';
import { isOurs, shown } from './text.ts';

const WIDTH = 960;
const MARGIN = 24;
const NAMES = 380;
const BAR = 18;
const STEP = 24;
const BARS = WIDTH - NAMES - 2 * MARGIN - 90;

const colours = {
  ours: '#0f766e',
  others: '#94a3b8',
  text: '#0f172a',
  quiet: '#64748b',
  paper: '#ffffff',
};

/**
 * Bars of medians as SVG, a block for each scenario, of what it measures first. Where peers were
 * measured at all, only scenarios with peers are shown.
 */
export function chart({ scenarios, machine, startedAt }: Results): string {
  const all = scenarios.map(({ title, series }) => {
    const [first] = series;
    const unit = first?.unit ?? '';
    return {
      title,
      unit,
      series: series.filter((each) => each.unit === unit && each.values.length > 0),
    };
  });
  const compared = all.filter(({ series }) => series.some(isOurs) && !series.every(isOurs));
  const blocks = compared.length > 0 ? compared : all;
  let y = MARGIN + 20;
  const parts = [text(MARGIN, y, 'Daybook and its peers', { size: 20, weight: 600 })];
  y += 20;
  parts.push(
    text(MARGIN, y, `${startedAt.slice(0, 10)}, ${machine}, medians`, { fill: colours.quiet }),
  );
  for (const { title, unit, series } of blocks) {
    y += 44;
    parts.push(text(MARGIN, y, title, { size: 14, weight: 600 }));
    y += 18;
    parts.push(text(MARGIN, y, unitText(unit), { fill: colours.quiet }));
    y += 8;
    parts.push(...bars(series, y));
    y += series.length * STEP;
  }
  const height = y + MARGIN;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, sans-serif" font-size="12">`,
    `<rect width="100%" height="100%" fill="${colours.paper}"/>`,
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}

function bars(series: readonly Series[], top: number): string[] {
  const longest = Math.max(...series.map(({ values }) => median(values)));
  return series.flatMap((each, index) => {
    const { name, values } = each;
    const value = median(values);
    const y = top + index * STEP;
    const width = Math.max(1, (value / longest) * BARS);
    const ours = isOurs(each) || !series.some(isOurs);
    const middle = y + BAR / 2 + 4;
    return [
      text(MARGIN + NAMES - 12, middle, name, { anchor: 'end', weight: ours ? 600 : 400 }),
      `<rect x="${MARGIN + NAMES}" y="${y}" width="${width.toFixed(1)}" height="${BAR}" rx="3" fill="${ours ? colours.ours : colours.others}"/>`,
      text(MARGIN + NAMES + width + 8, middle, shown(value)),
    ];
  });
}

function unitText(unit: string): string {
  return /\bms\b|^s$|MB/.test(unit) ? `${unit}, less is better` : `${unit}, more is better`;
}

interface TextStyle {
  readonly size?: number;
  readonly weight?: number;
  readonly fill?: string;
  readonly anchor?: 'start' | 'end';
}

function text(x: number, y: number, content: string, style: TextStyle = {}): string {
  const { size = 12, weight = 400, fill = colours.text, anchor = 'start' } = style;
  const escaped = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<text x="${x.toFixed(0)}" y="${y}" font-size="${size}" font-weight="${weight}" fill="${fill}" text-anchor="${anchor}">${escaped}</text>`;
}
