import { rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { type ConsumerLag, type Daybook, defineJob, openDaybook } from '../../src/daybook.ts';
import { startEmbeddedPostgres } from '../../src/embedded/embedded-postgres.ts';
import { endsPerDay, toDoList } from './consumers.ts';

/**
 * Works 1,000 jobs of which some die, with a read model and a reaction of this example's own reading the
 * log, builds the read model anew while more jobs run, and holds both against the jobs themselves.
 */
const dataFolder = fileURLToPath(
  new URL(`../../.daybook/consumers-${process.pid}`, import.meta.url),
);
const postgres = await startEmbeddedPostgres({ dataFolder: `${dataFolder}/postgres` });
try {
  await run(postgres.connectionString);
} finally {
  await postgres.stop();
  await rm(dataFolder, { recursive: true, force: true });
  await rm(postgres.dataFolder, { recursive: true, force: true });
}

async function run(connectionString: string): Promise<void> {
  const divide = defineJob({
    type: 'divide',
    payload: z.object({ by: z.number() }),
    maxAttempts: 2,
    retry: { kind: 'fixed', delayMs: 1, jitter: 0 },
    handler: ({ by }) => {
      if (by === 0) throw new RangeError('division by zero');
      return 100 / by;
    },
  });
  const consumers = [endsPerDay, toDoList];
  const daybook = await openDaybook({ connectionString, migrate: true, jobs: [divide], consumers });
  await daybook.worker().start();
  const submit = (count: number) =>
    daybook.submitMany(
      Array.from({ length: count }, (_, n) => ({ type: 'divide', payload: { by: n % 10 } })),
    );
  const jobs = [...(await submit(500))];
  await daybook.consumers.rebuild(endsPerDay.name);
  jobs.push(...(await submit(500)));
  for (const { id } of jobs) await daybook.waitFor(id);
  await caughtUp(daybook);
  await report(daybook);
  await daybook.close();
}

async function report(daybook: Daybook): Promise<void> {
  const { pool } = daybook.context.database;
  const ends = await pool.query(
    'select sum(completed)::int as completed, sum(dead)::int as dead from daybook.ends_per_day',
  );
  const list = await pool.query(
    'select count(*)::int as jobs, min(failures) as failures, min(error) as error from to_do where dead_at is not null',
  );
  const { completed, dead } = ends.rows[0];
  console.log(`ends per day   ${completed} completed, ${dead} dead`);
  console.log(
    `to-do list     ${list.rows[0].jobs} dead jobs, ${list.rows[0].failures} failures each: ${list.rows[0].error}`,
  );
  for (const each of await daybook.consumers.list()) {
    const { name, version, build, position } = each;
    console.log(`${name.padEnd(14)} version ${version}, build ${build}, at position ${position}`);
  }
  const right = completed === 900 && dead === 100 && list.rows[0].jobs === 100;
  console.log(right ? 'Both agree with the jobs.' : 'WRONG');
  if (!right) process.exitCode = 1;
}

/** Every consumer has read the whole log, and none is being built any more. */
async function caughtUp(daybook: Daybook): Promise<void> {
  const settled = ({ role, lagEvents }: ConsumerLag) => role === 'live' && lagEvents === 0n;
  const { pool } = daybook.context.database;
  for (;;) {
    const waiting = await pool.query('select from daybook.event_inbox limit 1');
    const lags = await daybook.consumers.list();
    if (waiting.rowCount === 0 && lags.every(settled)) return;
    await new Promise((resolve) => {
      setTimeout(resolve, 50);
    });
  }
}
