import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { submitJobs } from '../../../src/commands/submit/submit-jobs.ts';
import { type LoggedEvent, readPage } from '../../../src/consumers/tail/log-page.ts';
import { type EventFilter, eventMatcher } from '../../../src/domain/event-filter.ts';
import { claim } from '../../support/job-steps.ts';
import { sequenceAll } from '../../support/log-steps.ts';
import { createTestDatabase, type TestDatabase } from '../../support/test-database.ts';

let db: TestDatabase;
let everything: readonly LoggedEvent[];
const none: EventFilter = {};
const page = (filter: EventFilter, after = 0n, limit = 1_000) =>
  readPage(db.database, { tenantId: 1, after, filter, limit });

beforeAll(async () => {
  db = await createTestDatabase();
  const jobs = Array.from({ length: 60 }, (_, n) => ({
    queue: n % 2 === 0 ? 'default' : 'other',
    type: `t${n % 3}`,
    tags: n % 4 === 0 ? ['a', `n${n}`] : [],
    ...(n % 5 === 0 ? { correlationId: `chain-${n % 10}` } : {}),
  }));
  await submitJobs(db.context, jobs);
  await claim(db, await db.openSession());
  await sequenceAll(db.database);
  everything = (await page(none)).events;
});
afterAll(() => db.drop());

/** Reads to the end with small pages, as a reader does. */
async function readAll(filter: EventFilter, limit: number): Promise<LoggedEvent[]> {
  const events: LoggedEvent[] = [];
  for (let after = 0n; ; ) {
    const next = await page(filter, after, limit);
    events.push(...next.events);
    if (next.upTo >= next.head) return events;
    expect(next.upTo).toBeGreaterThan(after);
    after = next.upTo;
  }
}

describe('the log', () => {
  it('is read in order, without a hole', () => {
    expect(everything.length).toBe(92);
    expect(everything.map(({ position }) => position)).toEqual(
      everything.map((_, index) => BigInt(index + 1)),
    );
    expect(everything[41]?.token).toBe('v1.1.42');
  });

  it.each<EventFilter>([
    none,
    { eventTypes: ['JobClaimed'] },
    { eventTypes: ['JobClaimed', 'QueueCreated'] },
    { queues: ['other'] },
    { queues: ['other', 'nowhere'] },
    { queues: ['nowhere'] },
    { jobTypes: ['t1'] },
    { jobTypes: ['t9'] },
    { tags: ['a'] },
    { tags: ['n4', 'n8', 'n9'] },
    { correlations: ['chain-0'] },
    { correlations: ['chain-0', 'chain-5'] },
    { correlations: ['chain-0'], eventTypes: ['JobSubmitted'], queues: ['default'] },
    { correlations: ['nothing'] },
    { queues: ['default'], jobTypes: ['t0'], tags: ['a'], eventTypes: ['JobClaimed'] },
  ])(
    'gives with %j what the predicate lets through, whatever the size of a page',
    async (filter) => {
      const wanted = everything.filter(eventMatcher(filter));
      for (const limit of [1, 7, 1_000]) expect(await readAll(filter, limit)).toEqual(wanted);
    },
  );

  it('gives the events of some jobs', async () => {
    const ids = [everything[5], everything[20]].map((event) => event?.streamId ?? '');
    for (const filter of [{ jobs: ids }, { jobs: ids, eventTypes: ['JobClaimed' as const] }]) {
      const wanted = everything.filter(eventMatcher(filter));
      expect(wanted.length).toBeGreaterThan(0);
      for (const limit of [1, 1_000]) expect(await readAll(filter, limit)).toEqual(wanted);
    }
  });

  it('gives a place to go on from, also where nothing fits', async () => {
    const { events, upTo, head } = await page({ queues: ['nowhere'] });
    expect({ events, upTo, head }).toEqual({ events: [], upTo: 92n, head: 92n });
    expect((await page(none, 10n, 5)).upTo).toBe(15n);
    expect((await page(none, 1_000n)).upTo).toBe(1_000n);
  });
});

describe('a filter that fits little', () => {
  it('costs a bounded look, and its reader gets on', async () => {
    const big = await createTestDatabase();
    const client = await big.connect();
    await client.query(`
      insert into queues (id, tenant_id, name, stream_id, version, created_at)
        values (1, 1, 'default', gen_random_uuid(), 1, now());
      insert into events (position, occurred_at, stream_id, version, queue_id, epoch, type, schema_version)
        select n, now(), gen_random_uuid(), 1, 1, 1, 2, 1 from generate_series(1, 50000) as n;
      update log_head set position = 50000`);
    const read = (after: bigint) =>
      readPage(big.database, { tenantId: 1, after, filter: { tags: ['none'] }, limit: 10 });
    const places: bigint[] = [];
    for (let after = 0n; after < 50_000n; after = places.at(-1) ?? 50_000n) {
      const { events, upTo } = await read(after);
      expect(events).toEqual([]);
      places.push(upTo);
    }
    expect(places).toEqual([20_000n, 40_000n, 50_000n]);
    await big.drop();
  });
});
