import { describe, expect, it } from 'vitest';
import type { Consumer } from '../../../src/consumers/consumer.ts';
import { applyRange } from '../../../src/consumers/reading/apply-range.ts';
import { createReadModelReader } from '../../../src/consumers/reading/read-model-reader.ts';
import { listBuilds } from '../../../src/consumers/statements/list-builds.ts';
import type { Service } from '../../../src/kernel/service.ts';
import { projections } from '../../../src/projections/registry.ts';
import { prepareReadModels } from '../../support/read-models.ts';
import { untilWaiting } from '../../support/postgres-activity.ts';
import { submitMany } from '../../support/job-steps.ts';
import type { TestDatabase, TestProcess } from '../../support/test-database.ts';
import {
  controlOf,
  eachWithDatabase,
  countingProjection,
  eventually,
  readCounting,
  startConsumers,
} from './consumer-steps.ts';

let db: TestDatabase;
let services: Service[];
eachWithDatabase((...made) => {
  [db, services] = made;
});

const first = countingProjection(1);
const second = countingProjection(2);

async function start(consumers: readonly Consumer[], process: TestProcess = db) {
  const service = await startConsumers(process, consumers);
  services.push(service);
  return service;
}
const builds = async () =>
  (await controlOf(db, []).list()).filter(({ name }) => name === 'counting');
const liveBuild = async () => (await builds()).find(({ role }) => role === 'live');
/** Waits until the live build has read up to this position, the last of the log. */
const hasRead = (position: bigint) =>
  eventually(async () => (await liveBuild())?.position).toBe(position);

describe('a rebuild that an operator asked for', () => {
  it('replaces the live build once it has caught up, and leaves no table behind', async () => {
    const consumers = [...projections, first];
    await start(consumers);
    await submitMany(db, 50);
    await hasRead(51n);
    await controlOf(db, consumers).rebuild('counting');
    await submitMany(db, 50);
    await eventually(async () => (await builds()).map((each) => [each.build, each.role])).toEqual([
      [2, 'live'],
    ]);
    await hasRead(101n);
    expect((await readCounting(db)).total).toBe(101);
    const { rows } = await db.database.pool.query(
      "select relname from pg_class where relname like 'counting%' and relkind = 'r'",
    );
    expect(rows).toEqual([{ relname: 'counting_2' }]);
  });

  it('can be paused, shows how far it is, goes on, and is one at a time', async () => {
    await start([first]);
    await submitMany(db, 5);
    await hasRead(6n);
    const control = controlOf(db, [first]);
    await services.pop()?.stop();
    await control.rebuild('counting');
    await control.pauseRebuild('counting');
    await start([first]);
    await expect(control.rebuild('counting')).rejects.toMatchObject({
      code: 'rebuild-in-progress',
    });
    await submitMany(db, 5);
    await eventually(async () => (await liveBuild())?.position).toBe(11n);
    expect((await builds())[1]).toMatchObject({ role: 'building', halted: 'paused', position: 0n });
    await control.resumeRebuild('counting');
    await eventually(async () => (await liveBuild())?.build).toBe(2);
  });

  it('can be aborted: the live build was never touched', async () => {
    await start([first]);
    await submitMany(db, 5);
    await hasRead(6n);
    await services.pop()?.stop();
    const control = controlOf(db, [first]);
    await control.rebuild('counting');
    await control.abortRebuild('counting');
    expect((await builds()).map(({ build }) => build)).toEqual([1]);
    expect((await readCounting(db)).total).toBe(6);
    await expect(control.abortRebuild('counting')).rejects.toMatchObject({
      code: 'consumer-not-found',
    });
    await control.rebuild('counting');
    await start([first]);
    await eventually(async () => (await liveBuild())?.build).toBe(2);
  });

  /** A rebuild that has read so many positions of a log, and nobody who reads on. */
  async function half(upTo: bigint, jobs = 9) {
    await start([first]);
    await submitMany(db, jobs);
    await hasRead(BigInt(jobs + 1));
    await services.pop()?.stop();
    const control = controlOf(db, [first]);
    await control.rebuild('counting');
    const building = (await db.database.run(listBuilds, { name: 'counting' })).at(-1);
    if (building === undefined) throw new Error('It was just begun.');
    const mode = { replaying: true, busyMs: 200 };
    const reader = createReadModelReader(building);
    expect(await applyRange(db.database, reader, { after: 0n, upTo }, mode)).toBe(true);
    return control;
  }

  it('tells its speed, and how long it still takes', async () => {
    await half(4n);
    const [live, building] = await builds();
    expect(live).toMatchObject({ eventsPerSecond: null, etaMs: null });
    expect(building).toMatchObject({
      role: 'building',
      position: 4n,
      lagEvents: 6n,
      eventsPerSecond: 20,
      etaMs: 300,
    });
  });

  it('can be aborted half-way: what it had made is gone, and the next one begins anew', async () => {
    const control = await half(4n);
    await control.abortRebuild('counting');
    expect((await builds()).map(({ build }) => build)).toEqual([1]);
    const tables = await db.database.pool.query(
      "select from pg_class where relname = 'counting_2'",
    );
    expect(tables.rowCount).toBe(0);
    expect(await readCounting(db)).toEqual({ total: 10, columns: ['type', 'n'] });
    await control.rebuild('counting');
    expect((await builds())[1]).toMatchObject({ build: 2, position: 0n, eventsPerSecond: null });
    await start([first]);
    await eventually(async () => (await liveBuild())?.build).toBe(2);
    expect((await readCounting(db)).total).toBe(10);
  });

  it('can be aborted while a batch is written, which comes to nothing', async () => {
    // Too far from the end for it to take the place of the live one in this step.
    const control = await half(4n, 6_000);
    const client = await db.connect();
    await client.query('begin; lock table counting_2');
    await start([first]);
    await untilWaiting(db, 'counting_2');
    const aborted = control.abortRebuild('counting');
    await untilWaiting(db, 'daybook:end-build');
    await client.query('commit');
    await aborted;
    expect((await builds()).map(({ build }) => build)).toEqual([1]);
    await submitMany(db, 5);
    await hasRead(6_006n);
    expect((await readCounting(db)).total).toBe(6_006);
    expect(db.warnings).toEqual([]);
  });

  it('of a consumer that nobody knows is refused', async () => {
    await expect(controlOf(db, [first]).rebuild('nothing')).rejects.toMatchObject({
      code: 'consumer-not-found',
    });
  });
});

describe('a new version', () => {
  it('is built beside the live one, whose own statements keep it right meanwhile', async () => {
    await start([first]);
    await submitMany(db, 10);
    await hasRead(11n);
    await services.pop()?.stop();
    await prepareReadModels(db.database, [second]);
    const control = controlOf(db, [second]);
    await control.pauseRebuild('counting');
    await start([second]);
    await submitMany(db, 10);
    await hasRead(21n);
    // Readers of either version find their columns; the live build does not have the new one yet.
    expect(await readCounting(db)).toEqual({ total: 21, columns: ['type', 'n', 'note'] });
    await control.resumeRebuild('counting');
    await eventually(async () => (await liveBuild())?.version).toBe(2);
    expect(await readCounting(db)).toEqual({ total: 42, columns: ['type', 'n', 'note'] });
  });

  it('is not undone by a process of the version before, and neither disturbs the other', async () => {
    const other = await db.anotherProcess();
    await start([first]);
    await submitMany(db, 10);
    await hasRead(11n);
    await start([second], other);
    await eventually(async () => (await liveBuild())?.version).toBe(2);
    await start([first], await db.anotherProcess());
    await submitMany(db, 10);
    await eventually(async () => (await liveBuild())?.position).toBe(21n);
    expect((await builds()).map(({ version }) => version)).toEqual([2]);
    expect((await readCounting(db)).total).toBe(42);
  });

  it('never shows readers less than they have seen', async () => {
    await start([first]);
    await submitMany(db, 200);
    await hasRead(201n);
    const seen: number[] = [];
    const watching = new AbortController();
    const watch = async () => {
      while (!watching.signal.aborted) seen.push((await readCounting(db)).total);
    };
    const watched = watch();
    const control = controlOf(db, [first]);
    for (let build = 2; build <= 4; build += 1) {
      await control.rebuild('counting');
      await submitMany(db, 20);
      await eventually(async () => (await liveBuild())?.build).toBe(build);
    }
    watching.abort();
    await watched;
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
  });
});
