import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { claimJobs, fromTheFront } from '../../src/commands/work/claim-jobs.ts';
import { completeJobs } from '../../src/commands/work/complete-jobs.ts';
import { submitJobs } from '../../src/commands/submit/submit-jobs.ts';
import type { Consumer, Projection } from '../../src/consumers/consumer.ts';
import { listLags } from '../../src/consumers/lag.ts';
import { createProjector } from '../../src/consumers/projector.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import type { Service } from '../../src/kernel/service.ts';
import { queueCounters } from '../../src/projections/queue-counters/projection.ts';
import {
  type QueueCounters,
  readQueueCounters,
} from '../../src/projections/queue-counters/queries.ts';
import { projections } from '../../src/projections/registry.ts';
import { defineStatement } from '../../src/store/statement.ts';
import { takeDuty } from '../../src/store/statements/take-duty.ts';
import { applyLive, prepareReadModels } from '../support/read-models.ts';
import {
  createTestDatabase,
  newId,
  type TestDatabase,
  type TestProcess,
} from '../support/test-database.ts';

let db: TestDatabase;
let services: Service[];

beforeEach(async () => {
  services = [];
  db = await createTestDatabase({ sequencer: true });
});
afterEach(async () => {
  for (const service of services) await service.stop();
  await db.drop();
});

interface Applied {
  readonly name: string;
  readonly count: number;
}

async function startProjector(
  process: TestProcess,
  consumers: readonly Consumer[],
  holder = newId(),
): Promise<{ projector: Service; applied: Applied[] }> {
  const applied: Applied[] = [];
  const projector = createProjector({
    database: process.database,
    wakeUp: process.wakeUp,
    holder,
    observer: {
      ...process.context.observer,
      projected: (name, count) => void applied.push({ name, count }),
    },
    clock: systemClock,
    random: Math.random,
    consumers,
  });
  services.push(projector);
  await projector.start();
  return { projector, applied };
}

/** Submits, claims and completes jobs in small steps. */
async function work(process: TestProcess, rounds: number): Promise<void> {
  const session = await db.openSession();
  for (let round = 0; round < rounds; round += 1) {
    await submitJobs(
      process.context,
      Array.from({ length: 10 }, () => ({ type: 'send', queue: 'mail' })),
    );
    const jobs = await claimJobs(process.context, {
      queue: 'mail',
      session,
      limit: 9,
      suspects: false,
      maxBytes: 1e6,
      cursorsMs: fromTheFront,
    });
    await completeJobs(
      process.context,
      jobs.slice(0, 8).map(({ id, leaseToken }) => ({ id, leaseToken })),
    );
  }
}

async function counters(): Promise<QueueCounters | undefined> {
  const queueId = await db.context.names.queueId('mail');
  return (await readQueueCounters(db.database, 1, [queueId])).get(queueId);
}

/** Retries an assertion: everything here happens soon, on a busy machine a little later. */
function eventually<Value>(read: () => Value | Promise<Value>) {
  return expect.poll(read, { interval: 20 });
}

async function lagOf(name: string) {
  return (await listLags(db.database)).find((each) => each.name === name);
}

/** Writes down the ranges it is given, in a table of its own. @param condition fails unless true */
function rangesProjection(name: string, condition = 'true') {
  const table = name.replaceAll('-', '_');
  const consumer: Projection = {
    name,
    version: 1,
    tables: [{ name: table, create: (at) => [`create table ${at} (after bigint, up_to bigint)`] }],
    upkeep: (place) => [
      `insert into ${place.table(table)} select $1, $2
       where 1 / (case when ${condition} then 1 else 0 end) = 1`,
    ],
  };
  const read = defineStatement<object, { after: bigint; up_to: bigint }>({
    name: `test-read-${name}`,
    sql: (schema) => `select * from ${schema}.${table} order by after`,
    values: () => [],
  });
  return { consumer, ranges: () => db.database.run(read, {}) };
}

describe('prepareReadModels', () => {
  it('is idempotent, and safe in many processes at once', async () => {
    const others = await Promise.all([1, 2, 3, 4].map(() => db.anotherProcess()));
    await Promise.all(others.map(({ database }) => prepareReadModels(database, projections)));
    await prepareReadModels(db.database, projections);
    const lags = await listLags(db.database);
    expect(
      lags.map(({ name, build, version, role, position }) => [
        name,
        build,
        version,
        role,
        position,
      ]),
    ).toEqual(projections.map(({ name, version }) => [name, 1, version, 'live', 0n]));
  });

  it('leaves no checkpoint where the tables could not be made', async () => {
    const { consumer } = rangesProjection('broken');
    const table = { name: 'broken', create: () => ['create table no room'] };
    const broken = { ...consumer, tables: [table] };
    await expect(prepareReadModels(db.database, [broken])).rejects.toThrow('syntax error');
    expect(await listLags(db.database)).toEqual([]);
  });
});

describe('applying a range', () => {
  it('counts once when two do it at the same time', async () => {
    await prepareReadModels(db.database, projections);
    await work(db, 1);
    await eventually(async () => (await lagOf('queue-counters'))?.head).toBe(28n);
    const other = await db.anotherProcess();
    const range = { after: 0n, upTo: 28n };
    const outcomes = await Promise.all(
      [db, other, db, other].map(({ database }) => applyLive(database, 'queue-counters', range)),
    );
    expect(outcomes.filter(Boolean)).toEqual([true]);
    expect(await counters()).toMatchObject({ submitted: 10, waiting: 1, running: 1, completed: 8 });
  });

  it('leaves nothing behind when it fails', async () => {
    const { consumer, ranges } = rangesProjection('failing', 'false');
    await prepareReadModels(db.database, [consumer]);
    await work(db, 1);
    await eventually(async () => (await lagOf('failing'))?.head).toBe(28n);
    const range = { after: 0n, upTo: 5n };
    await expect(applyLive(db.database, 'failing', range)).rejects.toThrow('division by zero');
    expect(await ranges()).toEqual([]);
    expect(await lagOf('failing')).toMatchObject({ position: 0n });
  });
});

describe('the projector', () => {
  it('keeps every projection up with the log, with no gap between ranges', async () => {
    const { consumer, ranges } = rangesProjection('ranges');
    await prepareReadModels(db.database, [...projections, consumer]);
    await startProjector(db, [...projections, consumer]);
    await work(db, 5);
    await eventually(counters).toMatchObject({
      submitted: 50,
      started: 45,
      waiting: 5,
      running: 5,
      completed: 40,
    });
    await eventually(async () => (await lagOf('ranges'))?.lagEvents).toBe(0n);
    const found = await ranges();
    expect(found.at(-1)?.up_to).toBe(136n);
    expect(found.map(({ after }) => after)).toEqual([
      0n,
      ...found.slice(0, -1).map(({ up_to: upTo }) => upTo),
    ]);
  });

  it('does no harm beside another that thinks it is alone', async () => {
    await prepareReadModels(db.database, projections);
    const other = await db.anotherProcess();
    // The same holder: both hold the duty at once.
    const holder = newId();
    const first = await startProjector(db, projections, holder);
    const second = await startProjector(other, projections, holder);
    await Promise.all([work(db, 15), work(other, 15)]);
    await eventually(counters).toMatchObject({ submitted: 300 });
    await eventually(async () => (await lagOf('queue-counters'))?.lagEvents).toBe(0n);
    const { waiting = 0, running = 0, completed = 0, started } = (await counters()) ?? {};
    expect(waiting + running + completed).toBe(300);
    expect(started).toBe(running + completed);
    expect(db.warnings).toEqual([]);
    expect(other.warnings).toEqual([]);
    // Each position was counted once, by whichever of the two.
    const sum = (applied: readonly Applied[]) =>
      applied
        .filter(({ name }) => name === 'queue-counters')
        .reduce((total, { count }) => total + count, 0);
    expect(BigInt(sum(first.applied) + sum(second.applied))).toBe(
      (await lagOf('queue-counters'))?.head,
    );
  });

  it('leaves the duty to another when it stops', async () => {
    await prepareReadModels(db.database, projections);
    const other = await db.anotherProcess();
    const holder = newId();
    const first = await startProjector(db, projections, holder);
    await work(db, 1);
    await eventually(counters).toMatchObject({ submitted: 10 });
    const second = await startProjector(other, projections);
    // Enough of it that both would get some, were both at it.
    for (let time = 0; time < 5; time += 1) {
      await work(db, 2);
      await eventually(counters).toMatchObject({ submitted: 30 + 20 * time });
    }
    expect(second.applied).toEqual([]);
    await first.projector.stop();
    await work(db, 1);
    // It left them, and did not let its leases lapse.
    const { rowCount } = await db.database.pool.query(
      `select from ${db.schema}.duties where holder = $1 and held_until > now()`,
      [holder],
    );
    expect(rowCount).toBe(0);
    await eventually(counters).toMatchObject({ submitted: 120 });
    expect(second.applied.length).toBeGreaterThan(0);
  });

  it('takes the duty over from a process that died without a word, once its lease is over', async () => {
    await prepareReadModels(db.database, [queueCounters]);
    const duty = 'consumer queue-counters 1';
    const dead = newId();
    await db.database.run(takeDuty, { duty, holder: dead, leaseMs: 3_600_000 });
    const { applied } = await startProjector(db, [queueCounters]);
    await work(db, 1);
    const looks = () => db.database.run(takeDuty, { duty, holder: newId(), leaseMs: 1 });
    expect(await looks()).toEqual([]);
    expect(applied).toEqual([]);
    await db.database.pool.query(
      `update ${db.schema}.duties set held_until = now() - interval '1 ms' where holder = $1`,
      [dead],
    );
    await eventually(counters).toMatchObject({ submitted: 10 });
  });

  it('goes on with the others while one fails, and with that one once it can', async () => {
    const client = await db.connect();
    await client.query('create table daybook.mended ()');
    const mended = "to_regclass('daybook.mended') is null";
    const { consumer, ranges } = rangesProjection('failing', mended);
    const consumers = [consumer, ...projections];
    await prepareReadModels(db.database, consumers);
    await startProjector(db, consumers);
    await work(db, 2);
    await eventually(counters).toMatchObject({ submitted: 20 });
    await eventually(() => db.warnings.map(({ message }) => message)).toContain(
      'a consumer failed and tries again',
    );
    await eventually(async () => (await lagOf('failing'))?.failure).toMatchObject({
      position: '1',
      message: 'division by zero',
    });
    await work(db, 2);
    await eventually(counters).toMatchObject({ submitted: 40 });
    expect(await lagOf('failing')).toMatchObject({ position: 0n });
    await client.query('drop table daybook.mended');
    await eventually(async () => (await lagOf('failing'))?.lagEvents).toBe(0n);
    expect((await lagOf('failing'))?.failure).toBeNull();
    expect((await ranges())[0]?.after).toBe(0n);
  });

  it('goes on with the others while one hangs', async () => {
    const { consumer } = rangesProjection('hanging');
    const consumers = [consumer, ...projections];
    await prepareReadModels(db.database, consumers);
    const client = await db.connect();
    await client.query('begin; lock table hanging_1');
    await startProjector(db, consumers);
    await work(db, 2);
    await eventually(counters).toMatchObject({ submitted: 20 });
    expect(await lagOf('hanging')).toMatchObject({ position: 0n });
    await client.query('commit');
    await eventually(async () => (await lagOf('hanging'))?.lagEvents).toBe(0n);
  });

  it('writes a checkpoint at most 20 times per second, however often it is woken', async () => {
    await prepareReadModels(db.database, [queueCounters]);
    const began = performance.now();
    const { applied } = await startProjector(db, [queueCounters]);
    const elapsedMs = () => performance.now() - began;
    // A second, or on a machine that is busy as long as two of them take.
    while (elapsedMs() < 1_000 || (applied.length < 2 && elapsedMs() < 20_000)) {
      await submitJobs(db.context, [{ type: 'send', queue: 'mail' }]);
    }
    const most = Math.ceil(elapsedMs() / 50) + 1;
    expect(applied.length).toBeGreaterThan(1);
    expect(applied.length).toBeLessThanOrEqual(most);
  });
});

describe('the lag', () => {
  it('tells events, and seconds since the first unread one came into the log', async () => {
    await prepareReadModels(db.database, [queueCounters]);
    expect(await lagOf('queue-counters')).toMatchObject({
      position: 0n,
      head: 0n,
      lagEvents: 0n,
      lagSeconds: 0,
    });
    await work(db, 1);
    await eventually(async () => (await lagOf('queue-counters'))?.lagEvents).toBe(28n);
    const client = await db.connect();
    await client.query("update log_batches set recorded_at = recorded_at - interval '60 s'");
    await work(db, 1);
    await eventually(async () => (await lagOf('queue-counters'))?.lagEvents).toBe(55n);
    const behind = await lagOf('queue-counters');
    expect(behind?.lagSeconds).toBeGreaterThanOrEqual(60);
    expect(behind?.lagSeconds).toBeLessThan(120);
    await applyLive(db.database, 'queue-counters', { after: 0n, upTo: 28n });
    expect((await lagOf('queue-counters'))?.lagSeconds).toBeLessThan(30);
    await applyLive(db.database, 'queue-counters', { after: 28n, upTo: 55n });
    const now = await lagOf('queue-counters');
    expect(now).toMatchObject({ position: 55n, lagEvents: 0n, lagSeconds: 0 });
    expect(now?.updatedAtMs).toBeGreaterThan(behind?.updatedAtMs ?? Infinity);
  });
});
