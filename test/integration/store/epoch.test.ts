import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { changeJobs } from '../../../src/commands/change/change-jobs.ts';
import { submitJobs } from '../../../src/commands/submit/submit-jobs.ts';
import { silentObserver } from '../../../src/kernel/observer.ts';
import { createEpochControl } from '../../../src/store/epoch/epoch-control.ts';
import { prepareLog } from '../../../src/store/epoch/prepare-log.ts';
import { raiseSequences } from '../../../src/store/statements/raise-sequences.ts';
import { readHead } from '../../../src/store/statements/read-head.ts';
import { sequenceInbox } from '../../../src/store/statements/sequence-inbox.ts';
import { takeDuty } from '../../../src/store/statements/take-duty.ts';
import { expectSoon } from '../../support/expect-soon.ts';
import { claim, expire, load, story, submitMany, submitOne } from '../../support/job-steps.ts';
import { expectOrder, sequenceAll, sequenceOnce, wholeLog } from '../../support/log-steps.ts';
import { createTestDatabase, newId, type TestDatabase } from '../../support/test-database.ts';

const SPAN = 2 ** 16;

let db: TestDatabase;
beforeEach(async () => {
  db = await createTestDatabase({ partitionSpan: SPAN });
});
afterEach(() => db.drop());

const run = async (sql: string, values: unknown[] = []) =>
  (await db.database.pool.query(sql.replaceAll('$S', db.schema), values)).rows as unknown[];
const prepare = () => prepareLog(db.database, SPAN, db.context.observer);
const epochs = () => createEpochControl(db.database, silentObserver);
const epochsOfLog = async () => (await wholeLog(db.database)).map((event) => event.epoch);
const otherServer = () => run(`update $S.log_epochs set system_identifier = '42'`);

describe('the epoch', () => {
  it('stays while the log is on the same server and timeline', async () => {
    expect(await prepare()).toMatchObject({ epoch: 1 });
    expect(await epochs().list()).toMatchObject([{ epoch: 1, afterPosition: 0n, reason: 'first' }]);
    expect(db.warnings).toEqual([]);
  });

  it.each([
    ["system_identifier = '42'", /^another server: 42 before, \d+ now$/],
    ['timeline = timeline + 1', /^another timeline of the server: 2 before, 1 now$/],
  ])('is a new one where %s was noted for the present one', async (other, reason) => {
    await submitMany(db, 3);
    await sequenceAll(db.database);
    await run(`update $S.log_epochs set ${other}`);
    const heads = await Promise.all([prepare(), prepare(), prepare()]);
    expect(heads.map(({ epoch }) => epoch)).toEqual([2, 2, 2]);
    expect(await prepare()).toMatchObject({ epoch: 2 });
    await submitOne(db);
    await sequenceAll(db.database);
    expectOrder(await wholeLog(db.database));
    expect(await epochsOfLog()).toEqual([1, 1, 1, 1, 2]);
    expect((await epochs().list()).slice(1)).toMatchObject([
      { epoch: 2, afterPosition: 4n, reason: expect.stringMatching(reason) as string },
    ]);
    expect(db.warnings).toMatchObject([
      {
        message: 'a new epoch of the log was opened',
        context: { epoch: 2, afterPosition: '4', reason: expect.stringMatching(reason) as string },
      },
    ]);
  });

  it('takes what was in the inbox along in the old one, as its write tokens say', async () => {
    await submitMany(db, 3);
    await otherServer();
    await prepare();
    await submitOne(db);
    await sequenceAll(db.database);
    expect(await epochsOfLog()).toEqual([1, 1, 1, 1, 2]);
  });

  it('is compared again during the reign of a sequencer', async () => {
    await db.startSequencer();
    await submitOne(db);
    await expectSoon(epochsOfLog).toHaveLength(2);
    await otherServer();
    await expectSoon(async () => (await epochs().list()).length).toBe(2);
    await submitOne(db);
    await expectSoon(epochsOfLog).toEqual([1, 1, 2]);
  });
});

describe('what another server left', () => {
  it('holds nothing back: transaction ids mean nothing here, and there is a full pass', async () => {
    await submitMany(db, 3);
    await sequenceAll(db.database);
    await submitOne(db);
    // As a dump brings them: numbers missing there, kept with an id far above any here, and a head
    // that is past what is in the inbox.
    await otherServer();
    await run(`update $S.log_head
      set missing_ranges = '{"{[2,3)}"}', missing_fences = '{9000000000000000000}',
        highest_seq = 1000000`);
    await prepare();
    await submitOne(db);
    await sequenceAll(db.database);
    expect(JSON.stringify(await run('select missing_fences from $S.log_head'))).not.toContain(
      '9000000000000000000',
    );
    const events = await wholeLog(db.database);
    expect(events).toHaveLength(6);
    expectOrder(events);
  });

  it('is no sequence that is behind its table, so that numbers grow with versions', async () => {
    await submitOne(db);
    await sequenceAll(db.database);
    const id = await submitOne(db, { queue: 'other', delayMs: 60_000 });
    await otherServer();
    const lowered = ['event_inbox', 'queues', 'job_types'];
    for (const table of lowered) {
      const column = table === 'event_inbox' ? 'seq' : 'id';
      await run(`select setval(pg_get_serial_sequence('$S.${table}', '${column}'), 1, false)`);
    }
    const changes = [
      { id, command: { kind: 'edit' as const, changes: { priority: 3 }, reason: null } },
    ];
    // Taken before the new epoch, its number would be lower than that of version 1.
    await prepare();
    await changeJobs(db.context, changes);
    await submitOne(db, { queue: 'third', type: 'y' });
    await sequenceAll(db.database);
    expectOrder(await wholeLog(db.database));
    expect(await db.database.run(raiseSequences, {})).toEqual([]);
  });

  it('is found in the inbox by its number, however high it is', async () => {
    await run(`select setval(pg_get_serial_sequence('$S.event_inbox', 'seq'), 5000000000)`);
    await otherServer();
    await prepare();
    expect(await run('select highest_seq from $S.log_head')).toEqual([{ highest_seq: '0' }]);
    expect(await story(db, await submitOne(db))).toEqual(['JobSubmitted']);
  });

  it('are sessions that end, and duties that are free', async () => {
    const id = await submitOne(db);
    const session = await db.openSession({ leaseMs: 3_600_000 });
    await claim(db, session);
    // By a clock that goes an hour ahead.
    const duty = { duty: 'sequencer', leaseMs: 3_600_000 };
    await db.database.run(takeDuty, { ...duty, holder: newId() });
    await otherServer();
    await prepare();
    expect(await expire(db)).toBe(1);
    expect(await story(db, id)).toEqual(['JobSubmitted', 'JobClaimed', 'JobInterrupted']);
    expect(await db.database.run(takeDuty, { ...duty, holder: newId() })).toHaveLength(1);
  });

  it('is a tick with which nothing is moved any more', async () => {
    const [before] = await db.database.run(readHead, {});
    await otherServer();
    await prepare();
    await submitOne(db);
    const batch = { tick: before?.tick ?? 0n, limit: 10, channel: 'nobody' };
    expect(await db.database.run(sequenceInbox, batch)).toMatchObject([{ moved: 0 }]);
  });

  it('are identity columns of which none is forgotten', async () => {
    const columns = await run(
      `select table_name || '.' || column_name as name from information_schema.columns
       where table_schema = 'daybook' and is_identity = 'YES'`,
    );
    const text = raiseSequences.sql('S').replaceAll(/\s+/g, ' ');
    for (const { name } of columns as { name: string }[]) {
      const [table, column] = name.split('.');
      expect(text).toContain(`pg_get_serial_sequence('S.${table}', '${column}')`);
    }
  });
});

describe('a new epoch that an operator opens', () => {
  it('is kept with the reason, and sessions end', async () => {
    const id = await submitOne(db);
    await claim(db, await db.openSession());
    const opened = await epochs().open('volume snapshot of 04:00');
    expect(opened).toEqual({
      epoch: 2,
      afterPosition: 3n,
      reason: 'volume snapshot of 04:00',
      sessionsEnded: 1,
    });
    await expire(db);
    await sequenceAll(db.database);
    expect((await load(db, id)).events.map(({ epoch }) => epoch)).toEqual([1, 1, 2]);
    expect((await epochs().list()).map(({ reason }) => reason)).toEqual([
      'first',
      'volume snapshot of 04:00',
    ]);
  });

  it('loses nothing of transactions that are open meanwhile', async () => {
    const client = await db.connect();
    await submitOne(db);
    await client.query('begin');
    const [late] = await submitJobs(db.context, [{ type: 'x' }], { client });
    await submitMany(db, 5);
    await sequenceOnce(db.database);
    await epochs().open('while somebody writes');
    await submitMany(db, 5);
    await sequenceAll(db.database);
    await client.query('commit');
    await sequenceAll(db.database);
    const events = await wholeLog(db.database);
    expectOrder(events);
    expect(events.at(-1)).toMatchObject({ stream_id: late?.id, epoch: 2 });
    expect(events).toHaveLength(13);
  });

  it('goes on beside a sequencer and writers', async () => {
    await db.startSequencer();
    const writing = new AbortController();
    const writer = (async () => {
      while (!writing.signal.aborted) await submitMany(db, 7);
    })();
    for (const n of [2, 3, 4]) {
      expect(await epochs().open(`number ${n}`)).toMatchObject({ epoch: n });
    }
    writing.abort();
    await writer;
    const left = async () => await run('select from $S.event_inbox');
    await expectSoon(left).toEqual([]);
    const events = await wholeLog(db.database);
    expectOrder(events);
    const list = await epochs().list();
    for (const { position, epoch } of events) {
      const now = list.findLast(({ afterPosition }) => (position ?? 0n) > afterPosition);
      expect(epoch).toBe(now?.epoch);
    }
  });

  it.each(['', '  ', 'x'.repeat(501), 'a\0b'])('needs a reason, and not %j', async (reason) => {
    await expect(epochs().open(reason)).rejects.toMatchObject({ code: 'invalid-options' });
  });
});
