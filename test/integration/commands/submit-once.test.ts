import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { claimJobs } from '../../../src/commands/work/claim-jobs.ts';
import { prepareJob, rowsOf } from '../../../src/commands/submit/prepare-job.ts';
import { submitJobs } from '../../../src/commands/submit/submit-jobs.ts';
import type { NewJob } from '../../../src/domain/job/new-job.ts';
import { codeOf } from '../../../src/store/sqlstate.ts';
import { submitJobs as submitStatement } from '../../../src/store/statements/submit-jobs.ts';
import { claim, submitOne } from '../../support/job-steps.ts';
import { createTestDatabase, type TestDatabase } from '../../support/test-database.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase({ poolSize: 20 });
});
afterAll(() => db.drop());

const submit = (job: Partial<NewJob>) => submitJobs(db.context, [{ type: 'x', ...job }]);
const count = async (table: string, where = 'true', values: unknown[] = []) => {
  const { rows } = await db.database.pool.query<{ count: number }>(
    `select count(*)::int as count from ${db.schema}.${table} where ${where}`,
    values,
  );
  return rows[0]?.count;
};

describe('a submission repeated with the same id', () => {
  const repeated = async (prepare: Partial<NewJob>) => {
    const prepared = prepareJob(db.context, { type: 'x', queue: 'once', ...prepare }, '');
    const jobs = await rowsOf(db.context, [prepared], {});
    /** How many are born. */
    const run = async () => {
      const [row] = await db.database.run(submitStatement, { tenantId: 1, jobs });
      return row?.born;
    };
    return { id: prepared.id, run };
  };

  it('runs once, after an ambiguous commit', async () => {
    const { id, run } = await repeated({});
    expect(await run()).toBe(1);
    expect(await run()).toBe(0);
    expect(await count('event_inbox', 'stream_id = $1', [id])).toBe(1);
    const session = await db.openSession();
    expect(await claim(db, session, { queue: 'once' })).toHaveLength(1);
    expect(await run()).toBe(0);
    expect(await claim(db, session, { queue: 'once' })).toHaveLength(0);
  });

  it('runs once, also when the first try ends after the second one has begun', async () => {
    const { id, run } = await repeated({});
    const answers = await Promise.all([run(), run(), run(), run()]);
    expect(answers.filter((born) => born !== 0)).toEqual([1]);
    expect(await count('event_inbox', 'stream_id = $1', [id])).toBe(1);
  });

  it('is not born again when the job has ended', async () => {
    const { id, run } = await repeated({});
    await run();
    await db.database.pool.query(`delete from ${db.schema}.job_claims where id = $1`, [id]);
    expect(await run()).toBe(0);
    expect(await count('job_claims', 'id = $1', [id])).toBe(0);
  });
});

describe('an idempotency key', () => {
  it('answers the first job to the same body, and refuses another one', async () => {
    const [first] = await submit({ idempotencyKey: 'a', payload: { n: 1 } });
    const [again] = await submit({ idempotencyKey: 'a', payload: { n: 1 } });
    expect(again).toEqual({ ...first, replayed: true, birth: null });
    await expect(submit({ idempotencyKey: 'a', payload: { n: 2 } })).rejects.toMatchObject({
      code: 'idempotency-key-reused',
    });
    await expect(
      submit({ idempotencyKey: 'a', payload: { n: 1 }, priority: 1 }),
    ).rejects.toMatchObject({ code: 'idempotency-key-reused' });
    expect(await count('idempotency_keys', "key = 'a'")).toBe(1);
  });

  it('makes exactly one job for twins that come at the same moment', async () => {
    const twins = await Promise.all(
      Array.from({ length: 16 }, () => submit({ idempotencyKey: 'twins', queue: 'twins' })),
    );
    expect(new Set(twins.map(([job]) => job?.id)).size).toBe(1);
    expect(twins.filter(([job]) => job?.replayed === false)).toHaveLength(1);
    const session = await db.openSession();
    expect(await claim(db, session, { queue: 'twins' })).toHaveLength(1);
  });

  it('is free again once its time has passed', async () => {
    const [first] = await submit({ idempotencyKey: 'short' });
    await db.database.pool.query(
      `update ${db.schema}.idempotency_keys set expires_at = now() - interval '1 ms'
       where key = 'short'`,
    );
    const twins = await Promise.all([1, 2, 3, 4].map(() => submit({ idempotencyKey: 'short' })));
    const ids = new Set(twins.map(([job]) => job?.id));
    expect(ids.size).toBe(1);
    expect(ids).not.toContain(first?.id);
  });

  it('can stand for a whole batch', async () => {
    const jobs = [{ type: 'x' }, { type: 'y' }];
    const first = await submitJobs(db.context, jobs, { idempotencyKey: 'batch' });
    const again = await submitJobs(db.context, jobs, { idempotencyKey: 'batch' });
    expect(again.map(({ id }) => id)).toEqual(first.map(({ id }) => id));
    const other = submitJobs(db.context, jobs.toReversed(), { idempotencyKey: 'batch' });
    await expect(other).rejects.toMatchObject({ code: 'idempotency-key-reused' });
  });

  it('of the batch that is also one of its jobs’ is either good or refused', async () => {
    const jobs = [{ type: 'x', idempotencyKey: 'both' }];
    const outcome = await submitJobs(db.context, jobs, { idempotencyKey: 'both' }).then(
      () => 'good',
      (error: unknown) => codeOf(error),
    );
    expect(outcome).toMatch(/^(good|invalid-request)$/);
  });
});

describe('a batch', () => {
  it('is kept as a whole or not at all', async () => {
    await submit({ uniqueKey: 'held' });
    const before = await count('job_payloads');
    const jobs = [
      { type: 'x' },
      { type: 'x', uniqueKey: 'free' },
      { type: 'x', uniqueKey: 'held' },
    ];
    await expect(submitJobs(db.context, jobs)).rejects.toMatchObject({ code: 'unique-key-held' });
    expect(await count('job_payloads')).toBe(before);
    expect(await count('job_claims', "unique_key = 'free'")).toBe(0);
    const keyed = [
      { type: 'x', idempotencyKey: 'new' },
      { type: 'x', uniqueKey: 'held' },
    ];
    await expect(submitJobs(db.context, keyed)).rejects.toMatchObject({ code: 'unique-key-held' });
    expect(await count('idempotency_keys', "key = 'new'")).toBe(0);
  });

  it('with one job that cannot be is refused before anything is written', async () => {
    const before = await count('job_payloads');
    await expect(
      submitJobs(db.context, [{ type: 'x' }, { type: 'x', priority: 10 }]),
    ).rejects.toMatchObject({ code: 'invalid-request', fields: [{ pointer: '/1/priority' }] });
    expect(await count('job_payloads')).toBe(before);
  });

  it('of many, submitted in any order by many at once, comes through', async () => {
    const keys = Array.from({ length: 30 }, (_, index) => `crossing-${index}`);
    const submissions = Array.from({ length: 12 }, (_, index) => {
      const jobs = keys.map((key) => ({ type: 'x', idempotencyKey: key, uniqueKey: key }));
      return submitJobs(db.context, index % 2 === 0 ? jobs : jobs.toReversed());
    });
    const answers = (await Promise.all(submissions)).flat();
    expect(new Set(answers.map(({ id }) => id)).size).toBe(keys.length);
  });
});

describe('what is submitted', () => {
  const claimed = async (queue: string, limit: number) =>
    claimJobs(db.context, {
      queue,
      session: await db.openSession(),
      limit,
      suspects: false,
      maxBytes: 10_000_000,
      cursorsMs: Array.from({ length: 10 }, () => 0),
    });

  it('comes to the handler as it was, whatever is in it', async () => {
    const payload = {
      nul: '\u0000',
      half: '\ud800',
      deep: [{ a: null }],
      big: 2 ** 60,
      text: '€"\\',
    };
    await submitOne(db, { queue: 'odd', payload, tags: ['a', 'b,{}"'], correlationId: 'c"1' });
    const [job] = await claimed('odd', 1);
    expect(job).toMatchObject({ payload, tags: ['a', 'b,{}"'], correlationId: 'c"1' });
  });

  const sizes = [1, 3_000, 10, 20_000, 1_500, 90_000];
  const payloads = sizes.map((size, n) => ({ n, text: '€"\\'.repeat(size) }));
  const jobs = (queue: string, more: (n: number) => Partial<NewJob> = () => ({})) =>
    payloads.map((payload, n) => ({ type: 'x', queue, payload, ...more(n) }));

  it.each([
    ['on a connection of the pool', (queue: string) => submitJobs(db.context, jobs(queue))],
    [
      'with keys, in a transaction',
      (queue: string) =>
        submitJobs(
          db.context,
          jobs(queue, (n) => ({ uniqueKey: `${queue}-${n}` })),
        ),
    ],
    [
      'one by one at the same time',
      (queue: string) => Promise.all(jobs(queue).map((job) => submitJobs(db.context, [job]))),
    ],
    [
      'on a caller’s client',
      async (queue: string) =>
        submitJobs(db.context, jobs(queue), { client: await db.connectCaller() }),
    ],
  ])('comes as it was, large and small together, %s', async (how, submitAll) => {
    const queue = `mixed-${how.length}`;
    await submitAll(queue);
    const found = await claimed(queue, 10);
    const sorted = found.map((job) => job.payload as { n: number }).toSorted((a, b) => a.n - b.n);
    expect(sorted).toEqual(payloads);
    const wrong = `tenant_id = 1 and payload_hash <> sha256(convert_to(payload::text, 'UTF8'))`;
    expect(await count('job_payloads', wrong)).toBe(0);
  });
});
