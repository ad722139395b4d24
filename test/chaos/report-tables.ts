import type { Infliction } from './faults/series.ts';

const signs = ['completion', 'workers', 'apis', 'log', 'backlog'] as const;
const times = ['lasted', 'silence', ...signs];

/** A line for each time that a fault was inflicted, in the order in which that ended. */
export function byInfliction(inflictions: readonly Infliction[]): string {
  const rows = inflictions.map((each) => [
    shown(each.at),
    each.name,
    ...measured(each).map((ms) => shown(ms)),
    each.what,
  ]);
  return table([['at', 'fault', ...times, 'what'], ...rows]);
}

/** A line for each fault, with the longest time of each kind that it took. */
export function byFault(inflictions: readonly Infliction[]): string {
  const names = [...new Set(inflictions.map(({ name }) => name))].toSorted();
  const rows = names.map((name) => {
    const same = inflictions.filter((each) => each.name === name).map((each) => measured(each));
    const worst = times.map((_, column) => longest(same.map((row) => row[column] ?? null)));
    return [name, String(same.length), ...worst.map((ms) => shown(ms))];
  });
  return table([['fault', 'times', ...times], ...rows]);
}

function measured({ lasted, silence, recovery }: Infliction): (number | null)[] {
  return [lasted, silence, ...signs.map((sign) => recovery[sign])];
}

/** Null, never, is longest. */
function longest(all: readonly (number | null)[]): number | null {
  return all.includes(null) ? null : Math.max(...all.map((ms) => ms ?? 0));
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]?.map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths?.[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function shown(ms: number | null): string {
  return ms === null ? 'never' : (ms / 1_000).toFixed(2);
}
