import { describe, expect, it } from 'vitest';
import { createLogger } from '../../../src/telemetry/logger.ts';
import { type MetricDefinition, metricTable } from '../../../src/telemetry/metrics.ts';
import { createTelemetry } from '../../../src/telemetry/telemetry.ts';

const metrics: readonly MetricDefinition[] = Object.values(metricTable);
const quiet = createLogger({ stream: { write: () => true }, format: 'json' });

describe('the table of metrics', () => {
  it('names each metric once, as Prometheus wants it', () => {
    expect(new Set(metrics.map(({ name }) => name)).size).toBe(metrics.length);
    for (const { name, kind, labels } of metrics) {
      expect(name).toMatch(/^daybook_[a-z_]+$/);
      expect([name, name.endsWith('_total')]).toEqual([name, kind === 'counter']);
      for (const label of labels) expect(label).toMatch(/^[a-z]+$/);
    }
  });

  it('tells metrics apart only by names of which there are few', () => {
    const bounded = new Set([
      'queue',
      'type',
      'code',
      'projection',
      'state',
      'version',
      'subscription',
    ]);
    expect(metrics.flatMap(({ labels }) => labels.filter((each) => !bounded.has(each)))).toEqual(
      [],
    );
  });

  it('helps with one sentence each', () => {
    for (const { help } of metrics) expect(help).toMatch(/^[A-Z0-9].+\.$/);
  });

  it('gives histograms, and only those, growing buckets', () => {
    for (const { name, kind, buckets } of metrics) {
      expect([name, buckets !== undefined]).toEqual([name, kind === 'histogram']);
      expect(buckets?.toSorted((a, b) => a - b)).toEqual(buckets);
    }
  });

  it('is all that a process shows, besides what prom-client says of it', async () => {
    const text = await createTelemetry({ version: '1', logger: quiet }).metricsText();
    const shown = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, kind]) => ({
      name,
      kind,
    }));
    const ours = shown.filter(({ name }) => name?.startsWith('daybook_'));
    expect(new Set(ours.map((each) => JSON.stringify(each)))).toEqual(
      new Set(metrics.map(({ name, kind }) => JSON.stringify({ name, kind }))),
    );
    const others = shown.filter(({ name }) => !name?.startsWith('daybook_'));
    expect(others.length).toBeGreaterThan(10);
    for (const { name } of others) expect(name).toMatch(/^(process|nodejs)_/);
  });
});
