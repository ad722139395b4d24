import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type ScriptProcess, startScript } from '../../scripts/script-process.ts';
import { openTestDaybook, type TestDaybook } from '../support/open-daybook.ts';

const fixture = fileURLToPath(new URL('fixtures/worker.ts', import.meta.url));
/** Of a lease that only its end by `lapse` takes from a worker, however slow the machine. */
const quick = { leaseMs: 60_000, beatMs: 400, pollMs: 50 };
/** Of a lease that a job may block the event loop for longer than. */
const brief = { ...quick, leaseMs: 5_000 };

let daybook: TestDaybook;
const processes = new Set<ScriptProcess>();

beforeEach(async () => {
  daybook = await openTestDaybook();
});

afterEach(async () => {
  for (const each of processes) await each.stop('SIGKILL');
  processes.clear();
  await daybook.close();
});

async function startWorker(options: object): Promise<ScriptProcess> {
  const worker = startScript(fixture, [daybook.db.connectionString, JSON.stringify(options)]);
  processes.add(worker);
  await worker.line(/^ready/);
  return worker;
}

/** The worker of a process has not beaten for longer than its lease. */
async function lapse({ child }: ScriptProcess): Promise<void> {
  await daybook.db.database.pool.query(
    `update ${daybook.db.schema}.worker_sessions set lease_until = now() - interval '1 s'
     where pid = $1`,
    [child.pid],
  );
}

/**
 * Starts a worker and waits until its thread is up, which takes a second of processor time: until it
 * beats for a job that blocks the event loop.
 */
async function startWithThread(options: object): Promise<ScriptProcess> {
  const worker = await startWorker(options);
  for (;;) {
    const { id } = await daybook.submit({ type: 'blocks', payload: { ms: 3_000 } });
    const isRunning = async () => (await daybook.get(id))?.result === null;
    let beatenMs = 0;
    while (beatenMs < 1_500 && (await isRunning())) beatenMs = await beatenFor(id);
    await daybook.waitFor(id);
    if (beatenMs >= 1_500) return worker;
  }
}

/** How long after its claim the session of a running job has beaten, in ms. */
async function beatenFor(id: string): Promise<number> {
  const { rows } = await daybook.db.database.pool.query<{ ms: number }>(
    `select 1000 * extract(epoch from s.last_beat_at - c.claimed_at)::float8 as ms
     from ${daybook.db.schema}.job_claims c
     join ${daybook.db.schema}.worker_sessions s on s.id = c.session_id where c.id = $1`,
    [id],
  );
  return rows[0]?.ms ?? 0;
}

async function rejectedOutcomes(): Promise<number> {
  const { rows } = await daybook.db.database.pool.query<{ n: string }>(
    `select count(*) as n from ${daybook.db.schema}.rejected_outcomes`,
  );
  return Number(rows[0]?.n);
}

describe('a worker process that dies', () => {
  it('by one guilty job among many, burying that one alone (R)', async () => {
    const innocents = Array.from({ length: 200 }, (_, n) => ({ type: 'echo', payload: n }));
    const guilty = { type: 'kills-its-worker', maxAttempts: 1 };
    const ids = await daybook.submitMany([
      ...innocents.slice(0, 100),
      guilty,
      ...innocents.slice(100),
    ]);
    const killer = ids[100]?.id ?? '';
    let deaths = 0;
    const superviseUntilDead = async () => {
      while ((await daybook.get(killer))?.phase !== 'dead') {
        const worker = await startWorker({ ...quick, concurrency: 50, maxPrefetch: 500 });
        const ended = daybook.waitFor(killer, { timeoutMs: 60_000 });
        await Promise.race([worker.exited, ended]);
        if (worker.child.signalCode === null) continue;
        deaths += 1;
        await lapse(worker);
      }
    };
    await superviseUntilDead();
    const job = await daybook.get(killer);
    expect(job?.state).toMatchObject({ deadReason: 'crashes-its-worker', failures: 0 });
    // The first death only raises suspicion; five more are counted.
    expect(deaths).toBe(6);
    for (const { id } of ids.filter((each) => each.id !== killer)) {
      expect((await daybook.waitFor(id)).phase).toBe('completed');
    }
  });

  it('paused past its lease, whose late outcome is rejected and changes nothing', async () => {
    const sleeper = await startWorker(quick);
    const { id } = await daybook.submit({ type: 'slow', payload: { ms: 3_000 } });
    await vi.waitFor(async () => expect((await daybook.get(id))?.phase).toBe('running'));
    sleeper.child.kill('SIGSTOP');
    await lapse(sleeper);
    await vi.waitFor(async () => expect(await daybook.eventsOf(id)).toContain('JobInterrupted'));
    await startWorker(quick);
    const job = await daybook.waitFor(id);
    sleeper.child.kill('SIGCONT');
    await vi.waitFor(async () => expect(sleeper.output).toContain('session was lost'));
    expect(job.phase).toBe('completed');
    expect(await daybook.eventsOf(id)).toEqual([
      'JobSubmitted',
      'JobClaimed',
      'JobInterrupted',
      'JobClaimed',
      'JobCompleted',
    ]);
    // It works on, in a new session.
    const next = await daybook.submit({ type: 'echo', payload: 'still here' });
    expect((await daybook.waitFor(next.id)).result).toBe('still here');
  });

  it('keeps its jobs while its event loop is busy, longer than the lease', async () => {
    await startWithThread(brief);
    const { id } = await daybook.submit({ type: 'blocks', payload: { ms: 8_000 } });
    const job = await daybook.waitFor(id);
    expect(job.result).toBe('unblocked');
    expect(await daybook.eventsOf(id)).toEqual(['JobSubmitted', 'JobClaimed', 'JobCompleted']);
    expect(await rejectedOutcomes()).toBe(0);
  });

  it.each(['blocks', 'blocks-midway'])(
    'keeps the neighbours of a job that %s the event loop, longer than the lease',
    async (type) => {
      const worker = await startWithThread(brief);
      const blocks = { type, payload: { ms: 6_000 } };
      const neighbour = await daybook.submit({ type: 'slow', payload: { ms: 8_000 } });
      await vi.waitFor(async () =>
        expect((await daybook.get(neighbour.id))?.phase).toBe('running'),
      );
      for (const { id } of [await daybook.submit(blocks), neighbour]) {
        expect((await daybook.waitFor(id)).phase).toBe('completed');
        expect(await daybook.eventsOf(id)).toEqual(['JobSubmitted', 'JobClaimed', 'JobCompleted']);
      }
      expect(worker.output).not.toContain('session was lost');
      expect(await rejectedOutcomes()).toBe(0);
    },
  );

  it('loses them when it hangs for longer than it may', async () => {
    await startWorker({ ...quick, leaseMs: 2_000, stallMs: 1_000 });
    const { id } = await daybook.submit({ type: 'blocks', payload: { ms: 60_000 } });
    await vi.waitFor(async () => expect(await daybook.eventsOf(id)).toContain('JobInterrupted'));
  });

  it('survives a database that ends every connection, again and again', async () => {
    const worker = await startWorker({ ...quick, concurrency: 5 });
    const ids = await daybook.submitMany(
      Array.from({ length: 100 }, () => ({ type: 'slow', payload: { ms: 50 } })),
    );
    const admin = await daybook.db.connect();
    for (let storm = 0; storm < 5; storm += 1) {
      await admin.query(
        'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
      );
      await vi.waitFor(async () => {
        const { rows } = await admin.query<{ n: string }>(
          `select count(*) as n from ${daybook.db.schema}.job_claims`,
        );
        expect(Number(rows[0]?.n)).toBeLessThan(100 - storm * 15);
      });
    }
    expect(worker.child.exitCode).toBeNull();
    for (const { id } of ids) {
      const job = await vi.waitFor(() => daybook.waitFor(id));
      expect(job.phase).toBe('completed');
      expect(job.state.failures).toBe(0);
    }
  });
});
