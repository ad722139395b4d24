import { afterAll, beforeAll, expect, it } from 'vitest';
import { completeJobs } from '../../src/commands/work/complete-jobs.ts';
import { bucketOf } from '../../src/projections/job-metrics/bucket.ts';
import { createMetricsFold } from '../../src/projections/job-metrics/fold.ts';
import { type MetricsPoint, readMetricsAt } from '../../src/projections/job-metrics/queries.ts';
import { countedNames, type MetricsStep } from '../../src/projections/job-metrics/table.ts';
import { claim, submitMany } from '../support/job-steps.ts';
import { sequenceAll, wholeLog } from '../support/log-steps.ts';
import { applyLive, prepareReadModels } from '../support/read-models.ts';
import { decodeEvent } from '../../src/store/event-codec.ts';
import { passLogTime, timed, type TimedEvent } from '../support/timed-events.ts';
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts';

let db: TestDatabase;
let log: TimedEvent[];

/** A log of batches 25 s apart, over some minutes, and the read model of it. */
beforeAll(async () => {
  db = await createTestDatabase();
  await prepareReadModels(db.database);
  const session = await db.openSession();
  for (let step = 0; step < 12; step += 1) {
    await submitMany(db, 2, { queue: step % 3 === 2 ? 'a' : 'b', type: step % 2 ? 'x' : 'y' });
    const jobs = await claim(db, session, { queue: 'b', limit: 1 });
    await completeJobs(db.context, jobs);
    await sequenceAll(db.database);
    await passLogTime(db, 25_000);
  }
  log = await timed(
    db,
    (await wholeLog(db.database)).flatMap((row) => decodeEvent(row) ?? []),
  );
  await applyLive(db.database, 'job-metrics', { after: 0n, upTo: BigInt(log.length) });
});
afterAll(() => db.drop());

/** A point as text that tells it from every other. */
function shown({ bucketMs, queue, type, counts, wait, run }: MetricsPoint): string {
  const sum = (histogram: readonly number[]) => histogram.reduce((all, n) => all + n, 0);
  const counted = countedNames.map((name) => counts[name]).join(' ');
  return `${new Date(bucketMs).toISOString()} ${queue} ${type} ${counted} | ${sum(wait)} ${sum(run)}`;
}

it.each(['minute', 'hour', 'day'] as const)(
  'metrics by the %s at any position are what folding the log up to there gives',
  async (step: MetricsStep) => {
    const fold = createMetricsFold();
    const fromMs = bucketOf('day', log[0]?.recordedAtMs ?? 0);
    const whole = { fromMs, toMs: fromMs + 2 * 86_400_000 };
    const range = { ...whole, tenantId: 1, step, byQueue: true, byType: true, maxRows: 10_000 };
    for (const { event, recordedAtMs } of log) {
      fold.add(event, recordedAtMs);
      const points = (await readMetricsAt(db.database, range, event.position ?? 0n)) ?? [];
      const expected = fold.rows().filter((row) => row.step === step);
      expect(points.map(shown)).toEqual(expected.map(shown).toSorted());
    }
    expect(log.length).toBeGreaterThan(40);
  },
);
