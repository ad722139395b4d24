/** The value below which the share `q` of the samples lies; NaN for none. */
export function quantile(samples: readonly number[], q: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN;
}

/** `p50 0.8 ms, p99 3.1 ms` */
export function latencies(samples: readonly number[]): string {
  const shown = (q: number) => `${quantile(samples, q).toFixed(1)} ms`;
  return `p50 ${shown(0.5)}, p99 ${shown(0.99)}, max ${shown(1)} (${samples.length} samples)`;
}

/** The one in the middle, or half-way between the two; NaN for none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.slice(Math.ceil(sorted.length / 2) - 1, Math.floor(sorted.length / 2) + 1);
  return middle.reduce((sum, value) => sum + value, 0) / middle.length;
}
