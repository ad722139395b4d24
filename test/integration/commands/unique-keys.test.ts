import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { changeJobs } from '../../../src/commands/change/change-jobs.ts';
import { completeJobs } from '../../../src/commands/work/complete-jobs.ts';
import { endAttempts } from '../../../src/commands/work/end-attempts.ts';
import { submitJobs } from '../../../src/commands/submit/submit-jobs.ts';
import { codeOf } from '../../../src/store/sqlstate.ts';
import { claimOne, load, story, submitOne } from '../../support/job-steps.ts';
import { untilWaiting } from '../../support/postgres-activity.ts';
import { createTestDatabase, type TestDatabase } from '../../support/test-database.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase({ poolSize: 20 });
});
afterAll(() => db.drop());

const submit = (uniqueKey: string) => submitJobs(db.context, [{ type: 'x', uniqueKey }]);
const boom = { name: 'Error', message: 'boom' };

/** A job that is dead, and holds its unique key no more. */
async function deadJob(uniqueKey: string): Promise<string> {
  const { id, leaseToken } = await claimOne(db, { uniqueKey });
  const command = { kind: 'fail' as const, leaseToken, retryable: false, error: boom };
  const [outcome] = await endAttempts(db.context, [{ id, command }]);
  expect(outcome?.state?.status).toBe('dead');
  return id;
}

const retry = (...ids: string[]) =>
  changeJobs(
    db.context,
    ids.map((id) => ({ id, command: { kind: 'retry', reason: null, delayMs: 0 } })),
  );

describe('a unique key', () => {
  it('is held by one job of twins that come at the same moment', async () => {
    const twins = await Promise.allSettled(Array.from({ length: 16 }, () => submit('twins')));
    const born = twins.filter((twin) => twin.status === 'fulfilled');
    expect(born).toHaveLength(1);
    for (const twin of twins) {
      if (twin.status === 'fulfilled') continue;
      expect(twin.reason).toMatchObject({
        code: 'unique-key-held',
        facts: { jobId: born[0]?.value[0]?.id, uniqueKey: 'twins' },
      });
    }
  });

  it('is free after completion, cancellation and death', async () => {
    const completed = await claimOne(db, { uniqueKey: 'completed' });
    await expect(submit('completed')).rejects.toMatchObject({ code: 'unique-key-held' });
    await completeJobs(db.context, [completed]);
    await submit('completed');

    const cancelled = await submitOne(db, { uniqueKey: 'cancelled' });
    await changeJobs(db.context, [{ id: cancelled, command: { kind: 'cancel', reason: null } }]);
    await submit('cancelled');

    await deadJob('dead');
    await submit('dead');
  });

  it('waits for the transaction that holds it, and is free if that rolls back', async () => {
    const client = await db.connectCaller();
    await client.query('begin');
    await submitJobs(db.context, [{ type: 'x', uniqueKey: 'open' }], { client });
    const waiting = submit('open');
    await untilWaiting(db, 'daybook:submit-jobs');
    await client.query('rollback');
    expect(await waiting).toHaveLength(1);
  });
});

describe('the retry of a dead job whose unique key', () => {
  it('is held is refused, names the holder and leaves the job dead', async () => {
    const dead = await deadJob('taken');
    const [holder] = await submit('taken');
    const [outcome] = await retry(dead);
    expect(outcome?.rejection).toMatchObject({
      code: 'unique-key-held',
      detail: expect.stringContaining(holder?.id ?? '?') as string,
    });
    expect((await load(db, dead)).state.status).toBe('dead');
    expect((await story(db, dead)).at(-1)).toBe('JobDead');
  });

  it('is free holds it again', async () => {
    const dead = await deadJob('free');
    const [outcome] = await retry(dead);
    expect(outcome?.state?.status).toBe('waiting');
    await expect(submit('free')).rejects.toMatchObject({ code: 'unique-key-held' });
  });

  it('two dead jobs share is granted to one of them', async () => {
    const dead = [await deadJob('shared'), await deadJob('shared')];
    const outcomes = await retry(...dead);
    const refused = outcomes.filter(({ rejection }) => rejection !== undefined);
    expect(refused.map(({ rejection }) => rejection?.code)).toEqual(['unique-key-held']);
  });

  it('another transaction is about to take does not wait for its end', async () => {
    const dead = await deadJob('in-flight');
    const client = await db.connectCaller();
    await client.query('begin');
    await submitJobs(db.context, [{ type: 'x', uniqueKey: 'in-flight' }], { client });
    const code = await retry(dead).then(
      ([outcome]) => outcome?.rejection?.code,
      (error: unknown) => codeOf(error),
    );
    expect(code).toMatch(/key-busy|unique-key-held/);
  });
});
