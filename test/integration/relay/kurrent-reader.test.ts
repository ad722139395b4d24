import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EventStoreDBClient } from '@eventstore/db-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { collectDeadJobs, type DeadJob } from '../../../examples/kurrent-reader/dead-jobs.ts';
import { followJobs } from '../../../examples/kurrent-reader/follow-jobs.ts';
import { JobCounts } from '../../../examples/kurrent-reader/job-counts.ts';
import { defineJob } from '../../../src/daybook.ts';
import { statusCodes } from '../../../src/projections/job-status/status-codes.ts';
import { openTestDaybook, type TestDaybook } from '../../support/open-daybook.ts';
import { realServer } from '../../support/relay-settings.ts';
import { type RelayTarget, relayed, withRelayTarget } from '../../support/relay-steps.ts';

const divide = defineJob({
  type: 'divide',
  payload: z.object({ by: z.number() }),
  maxAttempts: 1,
  handler: ({ by }) => {
    if (by === 0) throw new RangeError('division by zero');
    return 100 / by;
  },
});

describe('the example that reads from KurrentDB', () => {
  let at: RelayTarget;
  let daybook: TestDaybook;
  let folder: string;
  withRelayTarget((found) => {
    at = found;
  });
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'daybook-reader-'));
    daybook = await openTestDaybook({ jobs: [divide], relay: { url: at.url } });
    await daybook.worker().start();
  });
  afterAll(async () => {
    await daybook.close();
    await rm(folder, { recursive: true });
  });

  const mine = new Set<string>();
  const submit = async (count: number) => {
    const jobs = Array.from({ length: count }, (_, n) => ({
      type: 'divide',
      payload: { by: n % 10 },
    }));
    for (const { id } of await daybook.submitMany(jobs)) {
      mine.add(id);
      await daybook.waitFor(id);
    }
    await relayed(daybook.db);
  };
  /** What Daybook’s own read model says. */
  const known = async () => {
    const { rows } = await daybook.db.database.pool.query<{ status: number; n: number }>(
      'select status, count(*)::int as n from daybook.job_status group by status',
    );
    const names = Object.entries(statusCodes);
    return Object.fromEntries(
      rows.map(({ status, n }) => [names.find(([, code]) => code === status)?.[0], n]),
    );
  };
  /** What the read model says of these jobs: on a server that is not the test’s own there are others. */
  const counted = async (file: string) => {
    const { jobs } = JSON.parse(await readFile(file, 'utf8')) as { jobs: [string, string][] };
    const states = jobs.filter(([id]) => mine.has(id)).map(([, state]) => state);
    return Object.fromEntries(
      [...new Set(states)].map((state) => [state, states.filter((each) => each === state).length]),
    );
  };
  const soon = { interval: 20 };

  it('has the counts that Daybook has, also after it was begun again, and the dead jobs', async () => {
    const client = EventStoreDBClient.connectionString(at.url);
    const dead = new Map<string, DeadJob>();
    const reasons = () =>
      [...dead.values()].filter(({ id }) => mine.has(id)).map(({ reason }) => reason);
    const file = join(folder, 'counts.json');
    for (const count of [100, 50]) {
      const stopping = new AbortController();
      const counts = new JobCounts(file);
      await counts.load();
      const reading = Promise.all([
        followJobs(client, counts, stopping.signal),
        collectDeadJobs(client, dead, stopping.signal),
      ]);
      await submit(count);
      const all = count === 100 ? { completed: 90, dead: 10 } : { completed: 135, dead: 15 };
      await expect.poll(() => counted(file), soon).toEqual(all);
      if (realServer() === undefined) expect(counts.counts()).toEqual(all);
      await expect.poll(known, soon).toEqual(all);
      await expect.poll(() => reasons().length, soon).toBe(all.dead);
      stopping.abort();
      await reading;
    }
    expect(reasons()).toEqual(Array.from({ length: 15 }, () => 'attempts-exhausted'));
    await client.dispose();
  });
});
