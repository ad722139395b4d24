import { register } from 'prom-client';
import { beforeEach, describe, expect, it } from 'vitest';
import { type Clock, systemClock } from '../../../src/kernel/clock.ts';
import type { DatabaseGauges, GaugeSource } from '../../../src/telemetry/gauge-source.ts';
import { createLogger } from '../../../src/telemetry/logger.ts';
import { createTelemetry, type Telemetry } from '../../../src/telemetry/telemetry.ts';

let lines: string[];
let telemetry: Telemetry;
beforeEach(() => {
  lines = [];
  telemetry = make();
});

function make(options: { maxLabelPairs?: number; clock?: Clock } = {}): Telemetry {
  const stream = { write: (line: string) => lines.push(line) };
  const logger = createLogger({ stream, format: 'json' });
  return createTelemetry({ version: '1.2.3', logger, ...options });
}

/** The value of one sample, as it stands in the text; undefined where it is left out. */
async function sample(name: string): Promise<string | undefined> {
  const text = await telemetry.metricsText();
  const line = text.split('\n').find((each) => each.startsWith(`${name} `));
  return line?.slice(name.length + 1);
}

function source(read: () => Promise<DatabaseGauges>): GaugeSource {
  return { read, pool: () => ({ total: 5, idle: 2, waiting: 1 }) };
}

const job = { queue: 'emails', type: 'welcome' };
const by = '{queue="emails",type="welcome"}';

describe('the observer', () => {
  it('counts what happens to jobs', async () => {
    const { observer } = telemetry;
    observer.submitted(job, 3);
    observer.submitted(job, 2);
    observer.claimed(job, 20);
    observer.failed(job);
    observer.ended(job, 'retried', 300);
    observer.ended(job, 'completed', 30);
    observer.ended(job, 'dead', 1);
    observer.ended(job, 'snoozed', 1);
    observer.ended(job, 'interrupted', 1);
    expect(await sample(`daybook_jobs_submitted_total${by}`)).toBe('5');
    for (const what of ['started', 'failed', 'retried', 'completed', 'dead', 'snoozed']) {
      expect([what, await sample(`daybook_jobs_${what}_total${by}`)]).toEqual([what, '1']);
    }
    expect(await sample(`daybook_jobs_interrupted_total${by}`)).toBe('1');
    expect(await sample(`daybook_job_wait_seconds_sum${by}`)).toBe('0.02');
    expect(await sample(`daybook_job_run_seconds_count${by}`)).toBe('5');
    expect(
      await sample('daybook_job_run_seconds_bucket{le="0.1",queue="emails",type="welcome"}'),
    ).toBe('4');
  });

  it('counts what subscribers get', async () => {
    const { observer } = telemetry;
    observer.subscribed(2);
    observer.subscribed(1);
    observer.eventsSent(5);
    observer.eventsSent(3);
    observer.fellBehind();
    expect(await sample('daybook_subscribers')).toBe('1');
    expect(await sample('daybook_events_sent_total')).toBe('8');
    expect(await sample('daybook_subscribers_behind_total')).toBe('1');
  });

  it('counts a cancellation once, whether or not the job was running', async () => {
    telemetry.observer.ended(job, 'cancelled', 5);
    telemetry.observer.cancelled(job);
    expect(await sample(`daybook_jobs_cancelled_total${by}`)).toBe('1');
  });

  it('counts what happens to the log', async () => {
    const { observer } = telemetry;
    observer.sequenced(7);
    observer.leaseExpired(2);
    observer.outcomeRejected('lease-lost');
    observer.projected('job-status', 9);
    expect(await sample('daybook_events_sequenced_total')).toBe('7');
    expect(await sample('daybook_lease_expired_total')).toBe('2');
    expect(await sample('daybook_outcomes_rejected_total{code="lease-lost"}')).toBe('1');
    expect(await sample('daybook_events_projected_total{projection="job-status"}')).toBe('9');
  });

  it('does not throw for what is no number', async () => {
    const { observer } = telemetry;
    for (const wrong of [Number.NaN, Number.POSITIVE_INFINITY, -1]) {
      observer.submitted(job, wrong);
      observer.claimed(job, wrong);
      observer.ended(job, 'completed', wrong);
      observer.leaseExpired(wrong);
    }
    expect(await sample('daybook_lease_expired_total')).toBe('0');
    expect(await sample(`daybook_job_wait_seconds_count${by}`)).toBe('1');
  });

  it('counts beyond the limit of labels as other', async () => {
    telemetry = make({ maxLabelPairs: 2 });
    for (const type of ['a', 'b', 'c', 'd', 'a'])
      telemetry.observer.submitted({ queue: 'q', type }, 1);
    expect(await sample('daybook_jobs_submitted_total{queue="q",type="a"}')).toBe('2');
    expect(await sample('daybook_jobs_submitted_total{queue="q",type="b"}')).toBe('1');
    expect(await sample('daybook_jobs_submitted_total{queue="q",type="c"}')).toBeUndefined();
    expect(await sample('daybook_jobs_submitted_total{queue="other",type="other"}')).toBe('2');
  });

  it('logs what it is told to', () => {
    telemetry.observer.warn('careful', { error: new Error('because') });
    telemetry.observer.info('all is well');
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { level: 'warn', message: 'careful', error: { message: 'because' } },
      { level: 'info', message: 'all is well' },
    ]);
  });
});

describe('gauges', () => {
  const full: DatabaseGauges = {
    queues: [{ queue: 'q', depth: { waiting: 3, running: 1 }, oldestAgeSeconds: 1.5 }],
    inboxLagEvents: 4,
    inboxLagSeconds: 0.25,
    projections: [{ projection: 'p', lagEvents: 6, lagSeconds: 2, moving: false }],
    subscriptions: [
      { subscription: 's', lagEvents: 7, lagSeconds: 3, moving: true, events: { parked: 2 } },
    ],
    oldestSnapshotAgeSeconds: 8,
  };

  it('are read at each scrape', async () => {
    let reads = 0;
    telemetry.setGaugeSource(
      source(() => {
        reads += 1;
        return Promise.resolve({ ...full, inboxLagEvents: reads });
      }),
    );
    expect(await sample('daybook_inbox_lag_events')).toBe('1');
    expect(await sample('daybook_inbox_lag_events')).toBe('2');
    expect(await sample('daybook_up')).toBe('1');
    expect(await sample('daybook_queue_depth{queue="q",state="waiting"}')).toBe('3');
    expect(await sample('daybook_queue_oldest_age_seconds{queue="q"}')).toBe('1.5');
    expect(await sample('daybook_projection_lag_seconds{projection="p"}')).toBe('2');
    expect(await sample('daybook_projection_moving{projection="p"}')).toBe('0');
    expect(await sample('daybook_subscription_lag_events{subscription="s"}')).toBe('7');
    expect(await sample('daybook_subscription_lag_seconds{subscription="s"}')).toBe('3');
    expect(await sample('daybook_subscription_moving{subscription="s"}')).toBe('1');
    expect(await sample('daybook_subscription_events{subscription="s",state="parked"}')).toBe('2');
    expect(await sample('daybook_oldest_snapshot_age_seconds')).toBe('8');
    expect(await sample('daybook_db_pool_connections{state="idle"}')).toBe('2');
    expect(await sample('daybook_db_pool_waiting')).toBe('1');
    expect(await sample('daybook_build_info{version="1.2.3"}')).toBe('1');
  });

  it('are left out once the source fails, and none is left behind', async () => {
    let broken = false;
    telemetry.setGaugeSource(
      source(() => (broken ? Promise.reject(new Error('no database')) : Promise.resolve(full))),
    );
    expect(await sample('daybook_inbox_lag_events')).toBe('4');
    broken = true;
    expect(await sample('daybook_up')).toBe('0');
    for (const name of [
      'daybook_inbox_lag_events',
      'daybook_oldest_snapshot_age_seconds',
      'daybook_queue_depth{queue="q",state="waiting"}',
      'daybook_projection_lag_events{projection="p"}',
      'daybook_subscription_moving{subscription="s"}',
    ]) {
      expect([name, await sample(name)]).toEqual([name, undefined]);
    }
    expect(await sample('daybook_db_pool_waiting')).toBe('1');
    expect(lines.join('')).toContain('no database');
    broken = false;
    expect(await sample('daybook_up')).toBe('1');
  });

  it('of a queue that is gone are gone', async () => {
    let queues = full.queues ?? [];
    telemetry.setGaugeSource(source(() => Promise.resolve({ queues })));
    expect(await sample('daybook_queue_oldest_age_seconds{queue="q"}')).toBe('1.5');
    queues = [];
    expect(await sample('daybook_queue_oldest_age_seconds{queue="q"}')).toBeUndefined();
  });

  it('do not hold a scrape up: what comes too late is left out', async () => {
    const clock: Clock = { ...systemClock, sleep: () => Promise.resolve() };
    telemetry = make({ clock });
    telemetry.setGaugeSource(source(() => new Promise(() => undefined)));
    expect(await sample('daybook_up')).toBe('0');
    expect(lines.join('')).toContain('not read in time');
  });

  it('are all absent before anybody knows the database', async () => {
    expect(await sample('daybook_up')).toBeUndefined();
    expect(await sample('daybook_db_pool_waiting')).toBeUndefined();
    expect(await sample('daybook_inbox_lag_events')).toBeUndefined();
  });

  it('are read once for scrapes at the same time', async () => {
    let reads = 0;
    telemetry.setGaugeSource(
      source(() => {
        reads += 1;
        return Promise.resolve(full);
      }),
    );
    const texts = await Promise.all([1, 2, 3].map(() => telemetry.metricsText()));
    expect(reads).toBe(1);
    expect(new Set(texts).size).toBe(1);
  });
});

it('leaves the global registry of prom-client alone', () => {
  expect(register.getMetricsAsArray()).toEqual([]);
});
