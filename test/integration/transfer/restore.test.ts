import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { completeJobs } from '../../../src/commands/work/complete-jobs.ts';
import { listEpochs } from '../../../src/store/statements/list-epochs.ts';
import { verify } from '../../../src/verify/verify.ts';
import { claim, expire, load, submitOne } from '../../support/job-steps.ts';
import { sequenceAll } from '../../support/log-steps.ts';
import { createTestDatabase, type TestDatabase } from '../../support/test-database.ts';
import { createKnownHistory, type KnownHistory } from '../verify/known-history.ts';
import { eventsOf, exported, rechained, restored, restoredFrom } from './transfers.ts';

let history: KnownHistory;
let to: TestDatabase;

const setUp = async () => {
  history = await createKnownHistory();
  to = await createTestDatabase();
};
const tearDown = async () => {
  await to.drop();
  await history.db.drop();
};

const refused = (message: RegExp) => ({
  code: 'source-refused',
  message: expect.stringMatching(message) as string,
});

/** The bodies of a job are taken away, */
function eraseBodies(id: string) {
  return ['update job_payloads set payload = null, result = null where job_id = $1', [id]] as const;
}

/** and an event says so. */
function logErasure(id: string) {
  return [
    `insert into event_inbox (occurred_at, stream_id, version, queue_id, job_type_id, type, data, tags)
     select statement_timestamp(), stream_id, 4, queue_id, job_type_id, 14, '{"reason":null}', tags
     from events where stream_id = $1 and version = 1`,
    [id],
  ] as const;
}

async function bodiesOf(id: string): Promise<unknown[]> {
  const text = `select payload, result from ${to.schema}.job_payloads where job_id = $1`;
  return (await to.database.pool.query(text, [id])).rows;
}

async function isEmpty(): Promise<boolean> {
  const { rows } = await to.database.pool.query(
    `select 1 from ${to.schema}.events union all select 1 from ${to.schema}.job_payloads
     union all select 1 from ${to.schema}.queues`,
  );
  return rows.length === 0;
}

describe('a log that was restored', () => {
  beforeEach(setUp);
  afterEach(tearDown);

  it('begins a new epoch, and lets jobs go on', async () => {
    const { db, jobs } = history;
    const { state: before } = await load(db, jobs.running);
    const log = await restored(to.database, await exported(db.database));
    expect(log).toMatchObject({ events: 14, position: 14n, epoch: 2 });
    expect(log.claims).toMatchObject({ claims: 2, dead: 1, unreadable: [], keyless: [] });
    expect(await to.database.run(listEpochs, {})).toMatchObject([
      { epoch: 1, after_position: 0n, reason: 'first' },
      { epoch: 2, after_position: 14n, reason: expect.stringMatching(/^restored from test: 14/) },
    ]);

    // Nobody holds the lease of before: its token is not in the export, and its session is not here.
    const outcome = { id: jobs.running, leaseToken: before.lease?.token ?? '', result: null };
    expect(await completeJobs(to.context, [outcome])).toMatchObject([{ outcome: 'lease-lost' }]);
    expect(await expire(to)).toBe(1);
    const { state } = await load(to, jobs.running);
    expect(state).toMatchObject({ status: 'waiting', suspect: true, failures: 0 });
    const { rows } = await to.database.pool.query(
      `update ${to.schema}.queues set paused = false returning name`,
    );
    expect(rows).toEqual([{ name: 'default' }]);
    const again = await claim(to, await to.openSession(), { suspects: true });
    expect(again.map(({ id, payload }) => ({ id, payload }))).toEqual([
      { id: jobs.running, payload: { some: 'body' } },
    ]);
    await expect(submitOne(to, { uniqueKey: 'only' })).rejects.toMatchObject({
      code: 'unique-key-held',
    });
    const id = await submitOne(to, { queue: 'new' });
    await sequenceAll(to.database);
    expect((await load(to, id)).state).toMatchObject({ status: 'waiting' });
    const lines = eventsOf(await exported(to.database));
    expect(lines.slice(14).map((line) => (JSON.parse(line) as { epoch: number }).epoch)).toEqual([
      2, 2, 2, 2,
    ]);
  });

  it('has no body that was erased, whenever that was', async () => {
    const { db, jobs } = history;
    const before = await exported(db.database);
    expect(before.join('\n')).toContain('"payload":{"some":"body"}');
    await history.tamper(...eraseBodies(jobs.completed));
    // Gone, and no event says so.
    const clock = {
      elapsedMs: vi.fn<() => number>(() => 0),
      sleep: vi.fn<() => Promise<void>>(() => Promise.resolve()),
    };
    clock.elapsedMs.mockReturnValueOnce(0).mockReturnValue(20_000);
    await expect(exported(db.database, { clock: clock as never })).rejects.toMatchObject({
      code: 'export-incomplete',
      message: expect.stringContaining(jobs.completed) as string,
    });
    // It is waited for while the export runs.
    clock.elapsedMs.mockReturnValue(0);
    clock.sleep.mockImplementationOnce(async () => {
      await history.tamper(...logErasure(jobs.completed));
      await sequenceAll(db.database);
    });
    const lines = await exported(db.database, { clock: clock as never });
    expect(lines).toHaveLength(before.length + 1);
    await restored(to.database, lines);
    expect((await verify(to.database)).differences).toEqual([]);
    expect(await bodiesOf(jobs.completed)).toEqual([{ payload: null, result: null }]);
  });

  it('has what was written before the export began, although it had no position', async () => {
    const { db } = history;
    const id = await submitOne(db, { queue: 'late' });
    const clock = {
      elapsedMs: vi.fn<() => number>(() => 0),
      sleep: vi.fn<() => Promise<void>>(() => sequenceAll(db.database)),
    };
    const lines = await exported(db.database, { clock: clock as never });
    expect(lines.some((line) => line.includes(id))).toBe(true);
    await submitOne(db, { queue: 'late' });
    clock.elapsedMs.mockReturnValueOnce(0).mockReturnValue(20_000);
    await expect(exported(db.database, { clock: clock as never })).rejects.toMatchObject({
      code: 'export-incomplete',
      message: expect.stringMatching(/^1 events were written before/) as string,
    });
  });

  it('is without a body that the export had read before it was erased', async () => {
    const { db, jobs } = history;
    const before = await exported(db.database);
    await history.tamper(...eraseBodies(jobs.completed));
    await history.tamper(...logErasure(jobs.completed));
    await sequenceAll(db.database);
    const after = await exported(db.database);
    expect(after[2]).not.toContain('"payload":{');
    const lines = rechained([...before.slice(0, -1), ...after.slice(-2)]);
    await restored(to.database, lines);
    expect((await verify(to.database)).differences).toEqual([]);
    expect(await bodiesOf(jobs.completed)).toEqual([{ payload: null, result: null }]);
    expect(await bodiesOf(jobs.waiting)).toEqual([{ payload: { some: 'body' }, result: null }]);
  });
});

describe('restore refuses', () => {
  beforeAll(setUp);
  afterAll(tearDown);

  const spoilt: readonly (readonly [string, (lines: string[]) => string[], RegExp])[] = [
    ['nothing', () => [''], /^Line 1: it is not the first line/],
    ['a file of another program', () => ['{"a":1}'], /^Line 1: it is not the first line/],
    ['a file that was cut off', (lines) => lines.slice(0, -1), /ends after line 15, without/],
    ['a line that is missing', (lines) => lines.toSpliced(4, 1), /^Line 5: it is not the line/],
    ['a line twice', (lines) => lines.toSpliced(4, 0, lines[4] ?? ''), /^Line 6: it is not the/],
    ['two lines in the wrong order', (lines) => lines.with(5, lines[6] ?? ''), /^Line 6: /],
    [
      'a line that was changed',
      (lines) => lines.with(6, (lines[6] ?? '').replace(/"elapsedms":\d+/, '"elapsedms":7777777')),
      /^Line 7: it is not the line/,
    ],
    ['a line of another export', (lines) => lines.with(3, lines[0] ?? ''), /^Line 4: /],
    ['what stands behind the end', (lines) => [...lines, '{}'], /^Line 17: it stands behind/],
    [
      'another payload in a chain that was made anew',
      (lines) =>
        rechained(lines.map((line) => line.replace('{"some":"body"}', '{"some":"other"}'))),
      /^Line 3: its payload does not fit the hash/,
    ],
    [
      'another version in such a chain',
      (lines) =>
        rechained(lines.map((line) => line.replace(/"streamversion":3/, '"streamversion":4'))),
      /^Line \d+: its id is not that of its stream, epoch and version/,
    ],
    [
      'a position that is missing in such a chain',
      (lines) => rechained(lines.toSpliced(4, 1)),
      /^Line 5: position 5 does not follow 3/,
    ],
    [
      'a job without its birth',
      (lines) =>
        rechained(
          lines
            .filter((line) => !line.includes('"result":{'))
            .map((line, index) => line.replace(/"sequence":"\d+"/, `"sequence":"${index}"`)),
        ),
      /events were exported, and/,
    ],
  ];

  it.each(spoilt)('%s, and keeps nothing', async (_, spoil, message) => {
    const lines = await exported(history.db.database);
    await expect(restored(to.database, spoil(lines))).rejects.toMatchObject(refused(message));
    expect(await isEmpty()).toBe(true);
  });

  it('a last line without its end', async () => {
    const lines = await exported(history.db.database);
    const text = lines.join('\n').slice(0, -20);
    async function* cut() {
      yield await Promise.resolve(Buffer.from(text));
    }
    await expect(restoredFrom(to.database, cut())).rejects.toMatchObject(refused(/cut off/));
  });

  it('a second restore while one runs', async () => {
    const other = await to.connect();
    await other.query('begin');
    await other.query('lock table log_head in exclusive mode');
    const lines = await exported(history.db.database);
    await expect(restored(to.database, lines)).rejects.toMatchObject({ code: 'restore-busy' });
    await other.query('rollback');
    expect(await isEmpty()).toBe(true);
  });

  it('a part of a log, of which import begins a new one', async () => {
    const { db, jobs } = history;
    await submitOne(db, { queue: 'other', type: 'y' });
    await sequenceAll(db.database);
    const part = await exported(db.database, { filter: { queues: ['default'] } });
    await expect(restored(to.database, part)).rejects.toMatchObject(refused(/part of a log/));
    expect(await restored(to.database, part, 'import')).toMatchObject({ events: 14, epoch: 2 });
    expect((await verify(to.database)).differences).toEqual([]);
    expect((await load(to, jobs.dead)).state).toMatchObject({ status: 'dead' });
    const cut = await exported(db.database, { after: 6n });
    const third = await createTestDatabase();
    await expect(restored(third.database, cut, 'import')).rejects.toMatchObject(
      refused(/does not follow what its queue/),
    );
    await third.drop();
  });

  it('a database that is not empty, but goes on with its own work', async () => {
    const lines = await exported(history.db.database);
    const full = { code: 'database-not-empty' };
    await expect(restored(to.database, lines)).rejects.toMatchObject(full);
    const other = await createTestDatabase();
    await restored(other.database, lines);
    expect(await restored(other.database, lines)).toMatchObject({ claims: null });
    await submitOne(other);
    await expect(restored(other.database, lines)).rejects.toMatchObject(full);
    await other.drop();
  });
});
