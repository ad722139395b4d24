import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ScriptProcess, startScript } from '../../scripts/script-process.ts';
import type { RecordedJobEvent } from '../../src/domain/job/events.ts';
import { evolveJob } from '../../src/domain/job/evolve.ts';
import type { JobState } from '../../src/domain/job/state.ts';
import { decodeEvent } from '../../src/store/event-codec.ts';
import { readLog } from '../../src/store/statements/read-log.ts';
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts';

const JOBS = Number(process.env.STRESS_JOBS ?? 50_000);
const SUBMITTERS = 4;
const WORKERS = 8;
/** Workers are killed by the count of completed jobs, so that the kills are spread over the run. */
const KILL_EVERY = 3_000;

let db: TestDatabase;
const running = new Set<ScriptProcess>();

beforeAll(async () => {
  db = await createTestDatabase();
});

afterAll(async () => {
  await Promise.all([...running].map((each) => each.stop('SIGKILL')));
  await db.drop();
});

function startFixture(name: string, ...args: string[]): ScriptProcess {
  const file = fileURLToPath(new URL(`fixtures/${name}.ts`, import.meta.url));
  const script = startScript(file, [db.connectionString, ...args]);
  running.add(script);
  void script.exited.then(() => running.delete(script));
  return script;
}

it('8 workers, 4 submitters, random SIGKILLs: every job ends, and the log tells no lie', async () => {
  await db.context.names.queueIds(['default']);
  const workers = Array.from({ length: WORKERS }, () => startFixture('stress-worker'));
  await Promise.all(workers.map((worker) => worker.line(/^ready/)));
  const submitters = Array.from({ length: SUBMITTERS }, (_, index) =>
    startFixture('stress-submitter', `submitter-${index}`, String(JOBS / SUBMITTERS)),
  );
  const kills = await killUntilAllEnded(workers);
  const acknowledged = await Promise.all(
    submitters.map(async (each) => Number((await each.line(/^acknowledged (\d+)/))[1])),
  );
  await Promise.all([...running].map((each) => each.stop('SIGTERM')));
  await db.startSequencer();
  await expect.poll(inboxSize).toBe(0);

  const { states, events, outcomesOutOfPlace } = await foldLog();
  expect(kills).toBeGreaterThan(5);
  expect(acknowledged.reduce((sum, each) => sum + each, 0)).toBe(JOBS);
  expect(states.size).toBe(JOBS);
  expect(outcomesOutOfPlace).toEqual([]);
  const unended = [...states.values()].filter(
    ({ status }) => status !== 'completed' && status !== 'dead',
  );
  expect(unended).toEqual([]);
  await expectTablesToEqual(states);
  console.log(`stress: ${JOBS} jobs, ${kills} kills, ${events} events, all in order`);
}, 300_000);

async function count(sql: string): Promise<number> {
  const { rows } = await db.database.pool.query<{ n: string }>(sql);
  return Number(rows[0]?.n);
}

const inboxSize = () => count(`select count(*) n from ${db.schema}.event_inbox`);

async function killUntilAllEnded(workers: ScriptProcess[]): Promise<number> {
  let kills = 0;
  const ended = () =>
    count(`select (select count(*) from ${db.schema}.job_payloads)
      - (select count(*) from ${db.schema}.job_claims) as n`);
  await expect
    .poll(
      async () => {
        const done = await ended();
        if (done < JOBS && done > (kills + 1) * KILL_EVERY) {
          const victim = workers.splice((kills * 5) % workers.length, 1)[0];
          await victim?.stop('SIGKILL');
          workers.push(startFixture('stress-worker'));
          kills += 1;
        }
        return done;
      },
      { timeout: 240_000, interval: 100 },
    )
    .toBe(JOBS);
  return kills;
}

const OUTCOMES = new Set(['JobCompleted', 'JobFailed', 'JobSnoozed', 'JobInterrupted']);

/** Folds the whole log, position by position; folding throws on a stream out of order. */
async function foldLog() {
  const states = new Map<string, JobState>();
  const claimed = new Set<string>();
  const outcomesOutOfPlace: string[] = [];
  let position = 0n;
  for (;;) {
    const rows = await db.database.run(readLog, { afterPosition: position, limit: 5_000 });
    if (rows.length === 0) break;
    for (const row of rows) {
      expect(row.position).toBe(position + 1n);
      position += 1n;
      const event = decodeEvent(row);
      if (event === undefined || event.type.startsWith('Queue')) continue;
      const id = row.stream_id;
      states.set(id, evolveJob(states.get(id) ?? null, event as RecordedJobEvent));
      if (event.type === 'JobClaimed') claimed.add(id);
      if (OUTCOMES.has(event.type) && !claimed.delete(id)) outcomesOutOfPlace.push(id);
    }
  }
  return { states, outcomesOutOfPlace, events: position };
}

async function expectTablesToEqual(states: ReadonlyMap<string, JobState>): Promise<void> {
  expect(await count(`select count(*) n from ${db.schema}.job_claims`)).toBe(0);
  const { rows } = await db.database.pool.query<{ job_id: string; version: number }>(
    `select job_id, version from ${db.schema}.dead_jobs`,
  );
  const dead = [...states.values()].filter(({ status }) => status === 'dead');
  expect(new Map(rows.map((row) => [row.job_id, row.version]))).toEqual(
    new Map(dead.map(({ id, version }) => [id, version])),
  );
}
