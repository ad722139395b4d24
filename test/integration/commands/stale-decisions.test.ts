import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { changeJobs, type JobChange } from '../../../src/commands/change/change-jobs.ts';
import { submitJobs } from '../../../src/commands/submit/submit-jobs.ts';
import { completeJobs } from '../../../src/commands/work/complete-jobs.ts';
import { endAttempts } from '../../../src/commands/work/end-attempts.ts';
import type { Database } from '../../../src/store/database.ts';
import type { Executor, Statement } from '../../../src/store/statement.ts';
import { commitDecisions } from '../../../src/store/statements/commit-decisions.ts';
import { claim, claimOne, load, story, submitOne } from '../../support/job-steps.ts';
import { rowsFromState, rowsInTables } from '../../support/claim-rows.ts';
import { createTestDatabase, type TestDatabase } from '../../support/test-database.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.drop());

const cancel: JobChange['command'] = { kind: 'cancel', reason: 'stop' };
const retry: JobChange['command'] = { kind: 'retry', reason: null, delayMs: 0 };
const edit: JobChange['command'] = { kind: 'edit', changes: { priority: 1 }, reason: null };

/** Changes a job; before each of its decisions is kept, `interfere` comes first. */
async function changeWith(
  id: string,
  command: JobChange['command'],
  interfere: () => Promise<unknown>,
) {
  const through = (executor: Executor): Executor => ({
    async run<Params, Row>(statement: Statement<Params, Row>, params: Params): Promise<Row[]> {
      if (statement.name === commitDecisions.name) await interfere();
      return executor.run(statement, params);
    },
  });
  const database: Database = {
    ...db.database,
    ...through(db.database),
    transaction: (work) => db.database.transaction((tx, client) => work(through(tx), client)),
  };
  const [outcome] = await changeJobs({ ...db.context, database }, [{ id, command }]);
  return outcome;
}

function once(work: () => Promise<unknown>): () => Promise<unknown> {
  let done = false;
  return async () => {
    if (done) return;
    done = true;
    await work();
  };
}

async function expectTablesAsFolded(id: string): Promise<void> {
  const { state } = await load(db, id);
  expect(await rowsInTables(db, id)).toEqual(await rowsFromState(db.context.names, state));
}

async function deadJob(uniqueKey?: string): Promise<string> {
  const { id, leaseToken } = await claimOne(db, { uniqueKey });
  const error = { name: 'E', message: 'm' };
  const command = { kind: 'fail' as const, leaseToken, retryable: false, error };
  await endAttempts(db.context, [{ id, command }]);
  return id;
}

describe('a decision on a job that has changed since it was loaded', () => {
  it('is made again: to cancel a job that was claimed meanwhile is a request', async () => {
    const id = await submitOne(db, { queue: 'claimed' });
    const session = await db.openSession();
    const interfere = once(() => claim(db, session, { queue: 'claimed' }));
    const outcome = await changeWith(id, cancel, interfere);
    expect(outcome?.state).toMatchObject({
      status: 'running',
      cancelRequested: { reason: 'stop' },
    });
    expect(await story(db, id)).toEqual(['JobSubmitted', 'JobClaimed', 'JobCancelRequested']);
    await expectTablesAsFolded(id);
  });

  it('is refused where it has become illegal, and leaves no event', async () => {
    const id = await submitOne(db);
    const interfere = once(() => changeJobs(db.context, [{ id, command: cancel }]));
    expect((await changeWith(id, edit, interfere))?.rejection?.code).toBe('illegal-transition');
    expect(await story(db, id)).toEqual(['JobSubmitted', 'JobCancelled']);
    await expectTablesAsFolded(id);
  });

  it('is made again on what another change left', async () => {
    const id = await submitOne(db);
    const interfere = once(() => changeJobs(db.context, [{ id, command: retry }]));
    expect((await changeWith(id, edit, interfere))?.state?.version).toBe(3);
    expect(await story(db, id)).toEqual(['JobSubmitted', 'JobRetried', 'JobEdited']);
    await expectTablesAsFolded(id);
  });

  it('is not made twice: a dead job that another has brought back and that died again', async () => {
    const id = await deadJob();
    const dieAgain = async () => {
      await changeJobs(db.context, [{ id, command: retry }]);
      const { state } = await load(db, id);
      const session = await db.openSession();
      const [job] = await claim(db, session, { queue: state.queue });
      const error = { name: 'E', message: 'm' };
      const leaseToken = job?.leaseToken ?? '';
      const command = { kind: 'fail' as const, leaseToken, retryable: false, error };
      await endAttempts(db.context, [{ id, command }]);
    };
    const outcome = await changeWith(id, retry, once(dieAgain));
    expect(outcome?.state).toMatchObject({ status: 'waiting', version: 9 });
    const { events } = await load(db, id);
    expect(events.map(({ version }) => version)).toEqual(events.map((_, index) => index + 1));
    await expectTablesAsFolded(id);
  });

  it('is not made twice: the payload of an ended job that another erases as well', async () => {
    const job = await claimOne(db, { payload: 'secret' });
    await completeJobs(db.context, [{ ...job, result: 'secret' }]);
    const erase: JobChange['command'] = { kind: 'erase-payload', reason: null };
    const interfere = once(() => changeJobs(db.context, [{ id: job.id, command: erase }]));
    const outcome = await changeWith(job.id, erase, interfere);
    expect(outcome?.rejection?.code).toBe('already-recorded');
    expect((await story(db, job.id)).filter((type) => type === 'PayloadErased')).toHaveLength(1);
  });

  it('is given up when that happens again and again', async () => {
    const id = await submitOne(db);
    const outcome = await changeWith(id, edit, () =>
      changeJobs(db.context, [{ id, command: retry }]),
    );
    expect(outcome?.rejection?.code).toBe('concurrent-change');
    expect((await story(db, id)).filter((type) => type === 'JobEdited')).toEqual([]);
    await expectTablesAsFolded(id);
  });
});

describe('the retry of a dead job', () => {
  it('is refused where its unique key was taken while it was decided', async () => {
    const id = await deadJob('taken');
    const interfere = once(() => submitJobs(db.context, [{ type: 'x', uniqueKey: 'taken' }]));
    expect((await changeWith(id, retry, interfere))?.rejection?.code).toBe('unique-key-held');
    await expectTablesAsFolded(id);
  });
});
