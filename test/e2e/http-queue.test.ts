import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ScriptProcess, startDaybook } from '../../scripts/script-process.ts';
import { readUntil } from '../support/http.ts';
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts';

// A `daybook start` as users run it, and nothing but HTTP to work its queues.

const fixtures = fileURLToPath(new URL('fixtures/jobs.ts', import.meta.url));
const queue = 'plain';
let db: TestDatabase;
let daybook: ScriptProcess;
let origin: string;

beforeAll(async () => {
  db = await createTestDatabase();
  const env = { DATABASE_URL: db.connectionString, DATABASE_DIRECT_URL: db.directConnectionString };
  daybook = startDaybook(['start', '--port', '0', '--jobs', fixtures], { env });
  [, origin = ''] = await daybook.line(/listens at (\S+)/);
});
afterAll(async () => {
  await daybook.stop('SIGTERM');
  await db.drop();
});

// oxlint-disable-next-line typescript/no-explicit-any -- tests look into whatever came
async function call(method: string, path: string, body?: unknown): Promise<any> {
  const answer = await fetch(`${origin}/v1${path}`, {
    method,
    ...(body === undefined
      ? {}
      : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  });
  expect([method, path, answer.ok]).toEqual([method, path, true]);
  return answer.status === 204 ? null : answer.json();
}

const submit = async (type: string, more: object = {}): Promise<string> =>
  (await call('POST', '/jobs', { queue, type, maxAttempts: 3, ...more })).job.id;
const claim = (session?: string) =>
  call('POST', `/queues/${queue}/claim`, { worker: 'plain-fetch', limit: 10, session });
const typesOf = async (id: string): Promise<string[]> =>
  (await call('GET', `/jobs/${id}/events`)).data.map(({ type }: { type: string }) => type);

interface Held {
  readonly id: string;
  readonly type: string;
  readonly attempt: number;
  readonly leaseToken: string;
}

/** What becomes of each job hangs on its type. */
async function settle({ id: jobId, type, attempt, leaseToken }: Held): Promise<void> {
  const item = { jobId, leaseToken };
  const error = { message: 'so it is' };
  if (type === 'flaky' && attempt === 1) {
    await call('POST', '/claims/fail', { items: [{ ...item, error, retryDelayMs: 0 }] });
  } else if (type === 'hopeless') {
    await call('POST', '/claims/fail', { items: [{ ...item, error, retryable: false }] });
  } else if (type === 'tomorrow') {
    await call('POST', '/claims/snooze', { items: [{ ...item, delayMs: 86_400_000 }] });
  } else if (type === 'unwanted') {
    await call('POST', `/jobs/${jobId}/cancel`, { reason: 'changed my mind' });
    await call('POST', '/claims/release', { items: [item] });
  } else {
    await call('POST', '/claims/complete', { items: [{ ...item, result: { type } }] });
  }
}

/** Samples of this process, by name and labels. */
async function metrics(): Promise<Map<string, number>> {
  const text = await (await fetch(`${origin}/metrics`)).text();
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(lines.map((line) => [line.replace(/ \S+$/, ''), Number(line.split(' ').at(-1))]));
}

/** A figure of jobs by their types; types that have none are left out. */
function byType(samples: Map<string, number>, name: string, of = queue): Record<string, number> {
  const found = [...samples].flatMap(([key, value]) => {
    const [, type] = new RegExp(`^${name}\\{queue="${of}",type="([^"]+)"\\}$`).exec(key) ?? [];
    return type === undefined ? [] : [[type, value] as const];
  });
  return Object.fromEntries(found);
}

describe('a queue that is worked by nothing but HTTP', () => {
  const ids: Record<string, string> = {};
  const types = ['sound', 'flaky', 'hopeless', 'tomorrow', 'unwanted'];

  it('completes, fails, retries, buries, snoozes and cancels', async () => {
    for (const type of types) ids[type] = await submit(type);
    await call('POST', `/queues/${queue}/pause`, { reason: 'not yet' });
    const paused = await claim();
    expect(paused.jobs).toEqual([]);
    await call('POST', `/queues/${queue}/resume`);
    const { session } = paused;
    for (;;) {
      const { jobs } = (await claim(session)) as { jobs: Held[] };
      if (jobs.length === 0) break;
      for (const job of jobs) await settle(job);
    }
    const { data } = await call('GET', '/workers');
    expect(data).toContainEqual(
      expect.objectContaining({ session, name: 'plain-fetch', queues: [queue], types: [] }),
    );
    await call('DELETE', `/workers/${session}`);

    const begun = ['JobSubmitted', 'JobClaimed'];
    expect(await typesOf(ids['sound'] ?? '')).toEqual([...begun, 'JobCompleted']);
    expect(await typesOf(ids['flaky'] ?? '')).toEqual([
      ...begun,
      'JobFailed',
      'JobRetried',
      'JobClaimed',
      'JobCompleted',
    ]);
    expect(await typesOf(ids['hopeless'] ?? '')).toEqual([...begun, 'JobFailed', 'JobDead']);
    expect(await typesOf(ids['tomorrow'] ?? '')).toEqual([...begun, 'JobSnoozed']);
    expect(await typesOf(ids['unwanted'] ?? '')).toEqual([
      ...begun,
      'JobCancelRequested',
      'JobInterrupted',
      'JobCancelled',
    ]);
  });

  it('shows in its lists and counters what has become of its jobs', async () => {
    const jobs = { waiting: 1, running: 0, completed: 2, dead: 1, cancelled: 1 };
    const { totals } = await readUntil(`${origin}/v1/queues/${queue}`, (body) =>
      Object.entries(jobs).every(([state, count]) => body.jobs[state] === count),
    );
    expect(totals).toMatchObject({ submitted: 5, started: 6, failed: 2, retried: 1 });
    // Another read model than the counters: it catches up by itself.
    const { data } = await readUntil(
      `${origin}/v1/jobs?queue=${queue}&state=dead`,
      (body) => body.data.length === 1,
    );
    expect(data.map(({ id }: { id: string }) => id)).toEqual([ids['hopeless']]);
  });

  it('shows in the metrics what has become of its jobs', async () => {
    const samples = await metrics();
    const each = Object.fromEntries(types.map((type) => [type, 1]));
    const figures = (...names: string[]) =>
      Object.fromEntries(names.map((name) => [name, byType(samples, `daybook_${name}`)]));
    expect(
      figures(
        'jobs_submitted_total',
        'jobs_started_total',
        'jobs_completed_total',
        'jobs_failed_total',
        'jobs_retried_total',
        'jobs_dead_total',
        'jobs_cancelled_total',
        'jobs_snoozed_total',
        'job_wait_seconds_count',
        'job_run_seconds_count',
      ),
    ).toEqual({
      jobs_submitted_total: each,
      jobs_started_total: { ...each, flaky: 2 },
      jobs_completed_total: { sound: 1, flaky: 1 },
      jobs_failed_total: { flaky: 1, hopeless: 1 },
      jobs_retried_total: { flaky: 1 },
      jobs_dead_total: { hopeless: 1 },
      jobs_cancelled_total: { unwanted: 1 },
      jobs_snoozed_total: { tomorrow: 1 },
      job_wait_seconds_count: { ...each, flaky: 2 },
      job_run_seconds_count: { ...each, flaky: 2 },
    });
    expect(samples.get(`daybook_queue_depth{queue="${queue}",state="dead"}`)).toBe(1);
    // Its only waiting job is for tomorrow.
    expect(samples.get(`daybook_queue_oldest_age_seconds{queue="${queue}"}`)).toBe(0);
    expect(samples.get('daybook_events_sequenced_total')).toBeGreaterThan(20);
    for (const name of [
      'daybook_inbox_lag_events',
      'daybook_inbox_lag_seconds',
      'daybook_projection_lag_events{projection="job-status"}',
      'daybook_projection_lag_seconds{projection="job-status"}',
      'daybook_db_pool_connections{state="total"}',
      'daybook_db_pool_waiting',
      'nodejs_eventloop_lag_seconds',
    ]) {
      expect([name, samples.get(name)]).toEqual([name, expect.any(Number)]);
    }
  });
});

describe('the worker of the same process', () => {
  it('is listed with all that it says of itself', async () => {
    const { data } = await call('GET', '/workers');
    expect(data).toEqual([
      expect.objectContaining({
        pid: daybook.child.pid,
        version: expect.stringMatching(/^\d+\.\d+\.\d+$/) as string,
        queues: ['default'],
        types: expect.arrayContaining(['echo', 'throws-a-string']) as string[],
        slots: 10,
        leaseMs: 12_000,
        lastBeatAt: expect.stringMatching(/Z$/) as string,
      }),
    ]);
  });

  it('counts what it runs as the API does', async () => {
    for (const type of ['echo', 'throws-a-string']) {
      const id = await submit(type, { queue: 'default', maxAttempts: 1 });
      const job = await call('GET', `/jobs/${id}?waitMs=30000`);
      expect(job.state).toBe(type === 'echo' ? 'completed' : 'dead');
    }
    const figure = async (name: string) => byType(await metrics(), `daybook_${name}`, 'default');
    const both = { echo: 1, 'throws-a-string': 1 };
    // An outcome is counted behind its writing, which the answer above may have overtaken.
    await expect.poll(() => figure('job_run_seconds_count')).toEqual(both);
    expect(await figure('jobs_started_total')).toEqual(both);
    expect(await figure('job_wait_seconds_count')).toEqual(both);
    expect(await figure('jobs_completed_total')).toEqual({ echo: 1 });
    expect(await figure('jobs_failed_total')).toEqual({ 'throws-a-string': 1 });
    expect(await figure('jobs_dead_total')).toEqual({ 'throws-a-string': 1 });
  });
});
