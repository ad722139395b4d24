import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { changeJobs, type JobChange } from '../../../src/commands/change/change-jobs.ts';
import { completeJobs } from '../../../src/commands/work/complete-jobs.ts';
import { endAttempts } from '../../../src/commands/work/end-attempts.ts';
import { sha256 } from '../../../src/kernel/ids.ts';
import { rowsFromState, rowsInTables } from '../../support/claim-rows.ts';
import { claim, claimOne, load, story, submitOne } from '../../support/job-steps.ts';
import { createTestDatabase, type TestDatabase } from '../../support/test-database.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.drop());

async function expectTablesAsFolded(id: string): Promise<void> {
  const { state } = await load(db, id);
  expect(await rowsInTables(db, id)).toEqual(await rowsFromState(db.context.names, state));
}
const change = async (id: string, command: JobChange['command']) => {
  const [outcome] = await changeJobs(db.context, [{ id, command }]);
  return outcome;
};
const body = async (id: string) => {
  const { rows } = await db.database.pool.query<{
    payload: unknown;
    result: unknown;
    hash: string;
  }>(
    `select payload, result, encode(payload_hash, 'hex') as hash from ${db.schema}.job_payloads
     where job_id = $1`,
    [id],
  );
  return rows[0];
};

const payload = { secret: 42 };

/** A job of each status that can be erased. */
const jobs: Readonly<Record<string, () => Promise<string>>> = {
  waiting: () => submitOne(db, { payload }),
  completed: async () => {
    const job = await claimOne(db, { payload });
    await completeJobs(db.context, [{ ...job, result: payload }]);
    return job.id;
  },
  dead: async () => {
    const { id, leaseToken } = await claimOne(db, { payload });
    const error = { name: 'E', message: 'm' };
    const command = { kind: 'fail' as const, leaseToken, retryable: false, error };
    await endAttempts(db.context, [{ id, command }]);
    return id;
  },
  cancelled: async () => {
    const id = await submitOne(db, { payload });
    await change(id, { kind: 'cancel', reason: null });
    return id;
  },
};

describe('erasing the payload', () => {
  it.each(Object.keys(jobs))(
    'of a %s job takes the body, keeps its hash, and changes nothing else',
    async (status) => {
      const id = (await jobs[status]?.()) ?? '';
      const outcome = await change(id, { kind: 'erase-payload', reason: 'asked for' });
      expect(outcome?.rejection).toBeUndefined();
      expect((await load(db, id)).state).toMatchObject({ status, payloadErased: true });
      expect((await story(db, id)).at(-1)).toBe('PayloadErased');
      const hash = sha256(JSON.stringify(payload));
      expect(await body(id)).toEqual({ payload: null, result: null, hash });
      await expectTablesAsFolded(id);
    },
  );
});

describe('an edit', () => {
  it('brings a new body, which the next claim gets', async () => {
    const queue = 'edited';
    const id = await submitOne(db, { queue, payload });
    const text = JSON.stringify({ other: 1 });
    const changes = { payloadHash: sha256(text), payloadBytes: text.length };
    const command = { kind: 'edit' as const, changes, reason: null };
    await changeJobs(db.context, [{ id, command, payload: text }]);
    await expectTablesAsFolded(id);
    expect(await body(id)).toMatchObject({ payload: { other: 1 }, hash: sha256(text) });
    const [claimed] = await claim(db, await db.openSession(), { queue });
    expect(claimed?.payload).toEqual({ other: 1 });
  });
});

describe('a time', () => {
  it.each([
    '1970-01-01T00:00:00.001Z',
    '2038-01-19T03:14:07.999Z',
    '2199-12-31T23:59:59.999Z',
    '2242-03-16T12:56:32.001Z',
    '9999-12-31T23:46:40.001Z',
  ])('of %s is the same in the log and in the table', async (time) => {
    const id = await submitOne(db, { runAtMs: Date.parse(time) });
    expect((await load(db, id)).state.runAtMs).toBe(Date.parse(time));
    await expectTablesAsFolded(id);
    const other = await submitOne(db);
    await change(other, { kind: 'reschedule', runAtMs: Date.parse(time), reason: null });
    await expectTablesAsFolded(other);
  });
});
