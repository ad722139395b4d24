import { type MetricsStep, stepMinutes } from './table.ts';

/** When the bucket begins that holds a time. */
export function bucketOf(step: MetricsStep, timeMs: number): number {
  const widthMs = stepMinutes[step] * 60_000;
  return Math.floor(timeMs / widthMs) * widthMs;
}
