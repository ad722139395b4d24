import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { submitJobs } from '../../../src/commands/submit/submit-jobs.ts';
import type { Statement } from '../../../src/store/statement.ts';
import {
  sequenceInbox,
  type SequencedRow,
  type SequenceInboxParams,
} from '../../../src/store/statements/sequence-inbox.ts';
import { expectSoon } from '../../support/expect-soon.ts';
import { claim, submitOne } from '../../support/job-steps.ts';
import { expectOrder, sequenceAll, sequenceOnce, wholeLog } from '../../support/log-steps.ts';
import { createTestDatabase, type TestDatabase } from '../../support/test-database.ts';

type Sequencing = Statement<SequenceInboxParams, SequencedRow>;

let db: TestDatabase;
beforeEach(async () => {
  db = await createTestDatabase();
  // The queue, so that what follows are events of jobs alone.
  await submitOne(db);
  await sequenceAll(db.database);
});
afterEach(() => db.drop());

/** The statement with one of its rules broken. */
function broken(rule: string, wrong: string): Sequencing {
  const sql = (schema: string) => {
    const text = sequenceInbox.sql(schema);
    expect(text.split(rule)).toHaveLength(2);
    return text.replace(rule, wrong);
  };
  return { ...sequenceInbox, name: `sequence-inbox with ${wrong}`, sql };
}

/** Begins a user's transaction. */
async function begin() {
  const client = await db.connectCaller();
  await client.query('begin');
  return {
    async submit() {
      const [job] = await submitJobs(db.context, [{ type: 'x' }], { client });
      return job?.id ?? '';
    },
    end: (how: 'commit' | 'rollback') => client.query(how),
  };
}

const sequence = (statement?: Sequencing) => sequenceOnce(db.database, statement);
const idsInLog = async () => (await wholeLog(db.database)).map((event) => event.stream_id);
const missing = async () => {
  const { rows } = await db.database.pool.query<{ count: number }>(
    `select cardinality(missing_ranges) as count from ${db.schema}.log_head`,
  );
  return rows[0]?.count;
};

describe('a number that commits after a higher one', () => {
  it('is lost to a reader that goes on after the highest number it saw', async () => {
    const seen: string[] = [];
    let cursor = '0';
    const read = async () => {
      const { rows } = await db.database.pool.query<{ seq: string; stream_id: string }>(
        `select seq, stream_id from ${db.schema}.event_inbox where seq > $1 order by seq`,
        [cursor],
      );
      cursor = rows.at(-1)?.seq ?? cursor;
      seen.push(...rows.map((row) => row.stream_id));
    };
    const slow = await begin();
    const late = await slow.submit();
    const quick = await submitOne(db);
    await read();
    await slow.end('commit');
    await read();
    expect(seen).toEqual([quick]);
    await sequence();
    expect((await idsInLog()).slice(-2)).toEqual([late, quick]);
  });

  it('is lost to a sequencer that remembers no missing numbers', async () => {
    const lowWaterMark = broken('where not isempty(ranges)', 'where false');
    const slow = await begin();
    const late = await slow.submit();
    await submitOne(db);
    await sequence(lowWaterMark);
    await slow.end('commit');
    await submitOne(db);
    await sequence(lowWaterMark);
    expect(await idsInLog()).not.toContain(late);
  });

  it('is moved as soon as it is visible, whatever was moved meanwhile', async () => {
    const slow = await begin();
    const late = await slow.submit();
    for (let round = 0; round < 20; round += 1) {
      await submitOne(db);
      expect(await sequence()).toBe(1);
      expect(await sequence()).toBe(0);
    }
    expect(await missing()).toBe(1);
    await slow.end('commit');
    expect(await sequence()).toBe(1);
    expect((await idsInLog()).at(-1)).toBe(late);
    expectOrder(await wholeLog(db.database));
    expect(await missing()).toBe(0);
  });

  it('is kept for as long as any of the numbers that it is kept as one with', async () => {
    const [older, slow] = [await begin(), await begin()];
    const ids = [await older.submit()];
    // One group more than are kept apart, and one more.
    for (let group = 0; group < 66; group += 1) {
      await submitOne(db);
      await sequence();
      ids.push(await slow.submit());
    }
    expect(await missing()).toBe(64);
    await older.end('commit');
    await sequence();
    await sequence();
    await slow.end('commit');
    await sequence();
    const inLog = new Set(await idsInLog());
    expect(ids.filter((id) => !inLog.has(id))).toEqual([]);
    expectOrder(await wholeLog(db.database));
  });

  it('is forgotten once it was rolled back', async () => {
    const slow = await begin();
    await slow.submit();
    await submitOne(db);
    await sequence();
    expect(await missing()).toBe(1);
    await slow.end('rollback');
    // Not at once: transactions of other tests on this server may be older.
    await expectSoon(async () => ((await sequence()) === 0 ? missing() : -1)).toBe(0);
  });
});

describe('a stream whose first event commits late', () => {
  /** Version 1 draws a number, a higher one is moved, version 1 commits, version 2 comes. */
  async function lateStream(): Promise<string> {
    const slow = await begin();
    const late = await slow.submit();
    await submitOne(db, { delayMs: 60_000 });
    await sequence();
    await slow.end('commit');
    const claimed = await claim(db, await db.openSession());
    expect(claimed.map(({ id }) => id)).toContain(late);
    return late;
  }
  const versionsOf = async (id: string) =>
    (await wholeLog(db.database)).filter((e) => e.stream_id === id).map((e) => e.version);

  it('stands in version order', async () => {
    const late = await lateStream();
    await sequence();
    expect(await versionsOf(late)).toEqual([1, 2]);
    expectOrder(await wholeLog(db.database));
  });

  it('is inverted where new numbers go first, and stragglers in a statement of their own', async () => {
    const onlyNew = broken('i.seq >= lower(gap.range)', 'false and i.seq >= lower(gap.range)');
    // Without a transaction that stays open the straggler would even be forgotten.
    await (await begin()).submit();
    const late = await lateStream();
    await sequence(onlyNew);
    await sequence();
    expect(await versionsOf(late)).toEqual([2, 1]);
  });
});

describe('the transaction id that a missing number is kept with', () => {
  /** A number missing while its transaction is open; true if it reaches the log after the commit. */
  async function survives(statement: Sequencing): Promise<boolean> {
    const [older, slow] = [await begin(), await begin()];
    await older.submit();
    const late = await slow.submit();
    await older.submit();
    await older.end('commit');
    await sequence(statement);
    await sequence(statement);
    await slow.end('commit');
    await sequence(statement);
    return (await idsInLog()).includes(late);
  }

  it('must have been reached by xmin: with xmax the number is lost', async () => {
    expect(await survives(broken('pg_snapshot_xmin(', 'pg_snapshot_xmax('))).toBe(false);
  });

  it('must be the statement’s own: one past the last completed id is too low', async () => {
    const lastCompleted = broken('pg_current_xact_id()', 'pg_snapshot_xmax(pg_current_snapshot())');
    // Only where no other test completes a transaction in between, so again until it is seen.
    await expect.poll(() => survives(lastCompleted), { interval: 1 }).toBe(false);
  });

  it('loses none as it is', async () => {
    for (let round = 0; round < 20; round += 1) expect(await survives(sequenceInbox)).toBe(true);
    expectOrder(await wholeLog(db.database));
  });
});

describe('the time of a batch', () => {
  it('never lies before that of the batch before it, wherever the clock goes', async () => {
    await db.database.pool.query(
      `update ${db.schema}.log_head set recorded_at = recorded_at + interval '1 hour'`,
    );
    await submitOne(db);
    await sequence();
    const { rows } = await db.database.pool.query<{ forward: boolean }>(
      `select max(recorded_at) > now() + interval '59 minutes' as forward
       from ${db.schema}.log_batches`,
    );
    expect(rows).toEqual([{ forward: true }]);
  });
});
