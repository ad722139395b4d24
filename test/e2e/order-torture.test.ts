import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type ScriptProcess, startScript } from '../../scripts/script-process.ts';
import { changeJobs } from '../../src/commands/change/change-jobs.ts';
import { submitJobs } from '../../src/commands/submit/submit-jobs.ts';
import { completeJobs } from '../../src/commands/work/complete-jobs.ts';
import { readLog } from '../../src/store/statements/read-log.ts';
import type { EventRow } from '../../src/store/statements/read-streams.ts';
import { claim, story } from '../support/job-steps.ts';
import { expectOrder, wholeLog } from '../support/log-steps.ts';
import { addressOf, withClient } from '../support/template-database.ts';
import { createTestDatabase, newId, type TestDatabase } from '../support/test-database.ts';
import { callWitness, nameOf, type Witness, type WitnessedEvent } from '../support/witness.ts';

const fixture = (name: string) => fileURLToPath(new URL(`fixtures/${name}.ts`, import.meta.url));
const soon = { timeout: 120_000, interval: 10 };

let db: TestDatabase;
let witness: Witness;
/** Connections of writers that may be ended at any time. */
let mortal: pg.Pool;
const processes: ScriptProcess[] = [];
/** What a reader of the log sees, and one that goes on after the highest inbox number it saw. */
const seen: EventRow[] = [];
const naive: WitnessedEvent[] = [];
/** How many events were seen while the transaction in another database was open. */
let seenBesideForeign = 0;
const lateStory: string[] = [];

const writing = new AbortController();
const reading = new AbortController();
/** What goes on until the signals say otherwise. */
const goingOn: Promise<void>[] = [];

beforeAll(async () => {
  db = await createTestDatabase({ partitionSpan: 2 ** 13, poolSize: 16 });
  witness = await callWitness(db);
  const { connectionString } = db;
  mortal = new pg.Pool({ connectionString, max: 8, application_name: 'mortal' });
  mortal.on('error', () => undefined);
  mortal.on('connect', (client) => client.on('error', () => undefined));
  const readers = [tail, tailNaively].map((work) => repeat(reading.signal, work));
  const writers = [
    ...Array.from({ length: 4 }, () => writeInTransaction),
    changeAndRun,
    killAWriter,
  ].map((work) => repeat(writing.signal, work));
  goingOn.push(...readers, ...writers);
  await besideForeignTransaction(torment);
  writing.abort();
  await Promise.all(writers);
  await untilAllIsSeen();
}, 600_000);

afterAll(async () => {
  writing.abort();
  reading.abort();
  await Promise.allSettled(goingOn);
  for (const each of processes) await each.stop('SIGKILL');
  await mortal?.end();
  await db?.drop();
});

async function untilAllIsSeen(): Promise<void> {
  // The sequencer that survived moves what is left.
  const left = () => db.database.pool.query(`select from ${db.schema}.event_inbox limit 1`);
  await vi.waitFor(async () => expect((await left()).rowCount).toBe(0), soon);
  const { length } = await wholeLog(db.database);
  await vi.waitFor(() => expect(seen.length).toBe(length), soon);
}

/** Two sequencers, of which the one that works is stopped, and then killed; and writers that die. */
async function torment(): Promise<void> {
  const sequencers = new Map<string, ScriptProcess>();
  const startSequencer = async (holder: string) => {
    sequencers.set(holder, await start('sequencer', holder));
  };
  const startings = [newId(), newId()].map(startSequencer);
  const writer = () => start('open-transactions');
  const [doomed, other] = await Promise.all([writer(), writer()]);
  await Promise.all(startings);
  await progress();
  const stopped = await whoSequences();
  sequencers.get(stopped)?.child.kill('SIGSTOP');
  await vi.waitFor(async () => expect(await whoSequences()).not.toBe(stopped), soon);
  const next = await whoSequences();
  await progress();
  await passLateSubmit();
  await doomed?.stop('SIGKILL');
  sequencers.get(stopped)?.child.kill('SIGCONT');
  await progress();
  await sequencers.get(next)?.stop('SIGKILL');
  await vi.waitFor(async () => expect(await whoSequences()).toBe(stopped), soon);
  await progress();
  await passLateSubmit();
  await other?.stop('SIGKILL');
  // Enough to tell something by, also where the machine is slow.
  await vi.waitFor(() => expect(seen.length).toBeGreaterThan(4_500), soon);
}

async function start(name: string, ...args: string[]): Promise<ScriptProcess> {
  const started = startScript(fixture(name), [db.connectionString, ...args]);
  processes.push(started);
  await started.line(/^ready/);
  return started;
}

/** The holder of the sequencer's duty. */
async function whoSequences(): Promise<string> {
  const { rows } = await db.database.pool.query<{ holder: string }>(
    `select holder from ${db.schema}.duties where name = 'sequencer'`,
  );
  return rows[0]?.holder ?? '';
}

/** Waits until the reader has seen a good deal more. */
async function progress(): Promise<void> {
  const before = seen.length;
  await vi.waitFor(() => expect(seen.length).toBeGreaterThan(before + 500), soon);
}

/** An unrelated writer in another database of the server has a transaction id all the time. */
async function besideForeignTransaction(work: () => Promise<void>): Promise<void> {
  const name = `${new URL(db.connectionString).pathname.slice(1)}_foreign`;
  await withClient(db.connectionString, (client) => client.query(`create database ${name}`));
  await withClient(addressOf(db.connectionString, name), async (foreign) => {
    await foreign.query('begin; create table t (); select pg_current_xact_id()');
    await work();
    seenBesideForeign = seen.length;
    await foreign.query('rollback');
  });
  await withClient(db.connectionString, (client) => client.query(`drop database ${name}`));
}

/** A submit stays open until both readers are past it; then it commits, and is claimed at once. */
async function passLateSubmit(): Promise<void> {
  const queue = `late-${lateStory.length}`;
  const client = await db.connect();
  await client.query('begin');
  const [late] = await submitJobs(db.context, [{ type: 'x', queue }], { client });
  const [later] = await submitJobs(db.context, [{ type: 'x', queue: 'default', priority: 9 }]);
  const passed = (events: readonly { stream_id: string }[]) =>
    expect(events.some(({ stream_id: id }) => id === later?.id)).toBe(true);
  await vi.waitFor(() => passed(seen), soon);
  await vi.waitFor(() => passed(naive), soon);
  await client.query('commit');
  const claimed = await claim(db, await db.openSession(), { queue });
  expect(claimed.map(({ id }) => id)).toEqual([late?.id]);
  await completeJobs(db.context, claimed);
  lateStory.push((await story(db, late?.id ?? '')).join(' '));
}

async function repeat(signal: AbortSignal, work: () => Promise<void>): Promise<void> {
  while (!signal.aborted) await work();
}

const rolls = (share: number) => Math.random() < share;

async function writeInTransaction(): Promise<void> {
  const client = await mortal.connect().catch(() => undefined);
  let broken = false;
  try {
    await client?.query('begin');
    const jobs = Array.from({ length: rolls(0.1) ? 40 : 3 }, () => ({ type: 'x' }));
    await submitJobs(db.context, jobs, { client });
    if (rolls(0.1)) await pause(Math.random() * 2_000);
    await submitJobs(db.context, jobs, { client });
    await client?.query(rolls(0.15) ? 'rollback' : 'commit');
  } catch {
    // Ended by killAWriter, at whatever moment.
    broken = true;
  } finally {
    client?.release(broken);
  }
}

/** Jobs with more than one event, each in a transaction of its own. */
async function changeAndRun(): Promise<void> {
  const [first] = await submitJobs(db.context, [{ type: 'x' }, { type: 'x' }]);
  const command = { kind: 'edit' as const, changes: { priority: 3 }, reason: null };
  await changeJobs(db.context, [{ id: first?.id ?? '', command }]);
  const claimed = await claim(db, await db.openSession(), { limit: 50 });
  await completeJobs(db.context, claimed);
  await pause(5);
}

async function killAWriter(): Promise<void> {
  await db.database.pool.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where datname = current_database() and application_name = 'mortal'
     order by random() limit 1`,
  );
  await pause(200);
}

async function tail(): Promise<void> {
  const afterPosition = seen.at(-1)?.position ?? 0n;
  const page = await db.database.run(readLog, { afterPosition, limit: 1_000 });
  seen.push(...page);
  if (page.length === 0) await pause(2);
}

async function tailNaively(): Promise<void> {
  const page = await witness.after(naive.at(-1)?.seq ?? 0n);
  naive.push(...page);
  if (page.length === 0) await pause(2);
}

describe('writers, sequencers and readers that are stopped and killed', () => {
  it('leave a log without a gap, in which each stream stands in version order', async () => {
    expectOrder(await wholeLog(db.database));
  });

  it('hide no event from a reader that tails the log, and show it each one once', async () => {
    expectOrder(seen);
    const committed = (await witness.all()).map(nameOf).toSorted();
    expect(committed.length).toBeGreaterThan(4_000);
    expect(seen.map(nameOf).toSorted()).toEqual(committed);
  });

  it('never hold readers up: not even a transaction of another database that stays open', () => {
    expect(seenBesideForeign).toBeGreaterThan(4_000);
  });

  it('let a job be claimed at once whose submit the sequencer has passed', () => {
    expect(lateStory).toEqual(Array(2).fill('JobSubmitted JobClaimed JobCompleted'));
  });

  it('make a reader lose events that goes on after the highest number it saw', async () => {
    const found = new Set(naive.map(nameOf));
    const lost = (await witness.all()).filter((event) => !found.has(nameOf(event)));
    expect(lost.length).toBeGreaterThan(0);
  });
});
