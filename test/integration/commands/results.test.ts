import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { completeJobs } from '../../../src/commands/work/complete-jobs.ts';
import { jobLimits } from '../../../src/domain/job/new-job.ts';
import { sha256 } from '../../../src/kernel/ids.ts';
import { sendable } from '../../../src/store/parameters/json-bodies.ts';
import { completeJobs as completeStatement } from '../../../src/store/statements/complete-jobs.ts';
import { claim, load, submitMany } from '../../support/job-steps.ts';
import { createTestDatabase, newId, type TestDatabase } from '../../support/test-database.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.drop());

async function claimSome(count: number) {
  const queue = `some-${newId()}`;
  await submitMany(db, count, { queue });
  return claim(db, await db.openSession(), { queue });
}

/** The results as texts, in the order of the ids. */
async function resultsOf(ids: readonly string[]): Promise<(string | null)[]> {
  const { rows } = await db.database.pool.query<{ job_id: string; result: string | null }>(
    `select job_id, result::text from ${db.schema}.job_payloads where job_id = any ($1)`,
    [ids],
  );
  const byId = new Map(rows.map((row) => [row.job_id, row.result]));
  return ids.map((id) => byId.get(id) ?? null);
}

const noise = randomBytes(30_000).toString('base64');
const results = [
  ['none', undefined],
  ['JSON null', null],
  ['an empty text', ''],
  ['the word NULL', 'NULL'],
  ['what would end an element of an array', '",{}\\"'],
  ['NUL', 'a\u0000b'],
  ['halves of pairs', ['\uD800', '\uDC00x']],
  ['a key with all of that', { '\uD800\u0000"\\': 1 }],
  ['10 KB', { text: noise.slice(0, 10_000) }],
  ['none again', undefined],
  ['10 KB in other scripts', '€𝄞é'.repeat(1_200)],
  ['40 KB', noise],
  ['a number', 42],
] as const;

describe.each(['as bytes', 'as a text'] as const)('results that are sent %s', (how) => {
  const complete = async (completions: Parameters<typeof completeJobs>[1]) => {
    if (how === 'as bytes') return completeJobs(db.context, completions);
    return completeJobs(db.context, completions, { client: await db.connectCaller() });
  };
  const read = async (claimed: Awaited<ReturnType<typeof claimSome>>, given: unknown[]) => {
    const completions = claimed.map((job, index) => ({ ...job, result: given[index] }));
    const outcomes = await complete(completions.toReversed());
    expect(new Set(outcomes.map(({ outcome }) => outcome))).toEqual(new Set(['recorded']));
    const ids = claimed.map(({ id }) => id);
    const loaded = await Promise.all(ids.map((id) => load(db, id)));
    const told = loaded.map(({ events }) => events.at(-1)?.data);
    return { texts: await resultsOf(ids), told };
  };
  const expected = (value: unknown) => {
    if (value === undefined) return { text: null, data: {} };
    const text = JSON.stringify(value);
    return {
      text,
      data: { resultHash: sha256(text), resultBytes: Buffer.byteLength(text) },
    };
  };

  it('are each what they were, and so are their hashes', async () => {
    const given = results.map(([, value]) => value);
    const { texts, told } = await read(await claimSome(given.length), given);
    expect(texts).toEqual(given.map((value) => expected(value).text));
    expect(told).toMatchObject(given.map((value) => expected(value).data));
  });

  it.each(results)('are what they were: %s alone', async (_, value) => {
    const { texts, told } = await read(await claimSome(1), [value]);
    expect(texts).toEqual([expected(value).text]);
    expect(told).toMatchObject([expected(value).data]);
  });

  it('are written to no file on the way', async () => {
    const jobs = await claimSome(500);
    const result = JSON.stringify(noise.slice(0, 10_000));
    const completions = jobs.map(({ id, leaseToken }) => {
      return { id, leaseToken, result, resultHash: sha256(result), resultBytes: 10_002 };
    });
    const client: pg.Client = await db.connect();
    await client.query('set enable_seqscan = off; set temp_file_limit = 0');
    const values = completeStatement.values({ tenantId: 1, completions, orRaise: false });
    const { rows } = await client.query<{ recorded: string[] }>(
      completeStatement.sql(db.schema),
      values.map((value) => sendable(value, how === 'as bytes')),
    );
    expect(rows[0]?.recorded).toHaveLength(500);
    const stored = await resultsOf(jobs.map(({ id }) => id));
    expect(stored.filter((text) => text === result)).toHaveLength(500);
  });
});

it('results go to their own jobs where some leases are lost', async () => {
  const [lost, kept, none] = await claimSome(3);
  if (lost === undefined || kept === undefined || none === undefined) throw new Error('none');
  const outcomes = completeJobs(db.context, [
    { id: lost.id, leaseToken: newId(), result: noise },
    { ...kept, result: `kept ${noise}` },
    none,
  ]);
  expect((await outcomes).map(({ outcome }) => outcome)).toEqual([
    'lease-lost',
    'recorded',
    'recorded',
  ]);
  expect(await resultsOf([lost.id, kept.id, none.id])).toEqual([
    null,
    JSON.stringify(`kept ${noise}`),
    null,
  ]);
});

it('one result that is too large refuses them all', async () => {
  const [one, other] = await claimSome(2);
  if (one === undefined || other === undefined) throw new Error('none');
  const result = '€'.repeat(jobLimits.payloadBytes / 3);
  const completing = completeJobs(db.context, [one, { ...other, result }]);
  await expect(completing).rejects.toMatchObject({
    code: 'payload-too-large',
    fields: [{ pointer: '/1/result' }],
  });
  expect((await load(db, one.id)).state.status).toBe('running');
});
