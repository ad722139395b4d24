import pg from 'pg';
import type { FreshDatabase } from '../servers/postgres-server.ts';
import { verifiedText } from '../verify.ts';
import { medianGoal, ratioGoal } from '../report/figures.ts';
import type { Scenario, Series } from '../scenario.ts';

const PER_SECOND = 3_000;
/** As many parts of the time are told apart. */
const PARTS = 30;
/** What must not grow with the time. */
const TABLES = ['job_claims', 'event_inbox'];

/** The same for a long time. Not part of a whole run: `npm run bench:soak`. */
export const soak: Scenario = {
  name: 'soak',
  title: `${PER_SECOND.toLocaleString('en')} jobs/s for a long time`,
  alone: true,
  async measure(bench) {
    const seconds = bench.quick ? 3 : bench.minutes * 60;
    const intervalSeconds = seconds / (bench.quick ? 3 : PARTS);
    const load = {
      kind: 'endurance',
      queues: ['bench'],
      warmUp: 200,
      perSecond: PER_SECOND,
      seconds,
      intervalSeconds,
    } as const;
    const sizes = new Map<string, number[]>(TABLES.map((table) => [table, []]));
    const beside = (database: FreshDatabase) => watchSizes(database, intervalSeconds, sizes);
    const { intervals = [], verified, counts } = await bench.run('daybook', load, { beside });
    const over = (name: string, unit: string, values: number[]): Series => ({ name, unit, values });
    const rate = over(
      'Daybook',
      'jobs/s',
      intervals.map(({ jobs, ms }) => (jobs / ms) * 1_000),
    );
    const memory = over(
      'Daybook, the process',
      'MB',
      intervals.map(({ residentBytes }) => residentBytes / 2 ** 20),
    );
    const tables = [...sizes].map(([table, bytes]) =>
      over(
        `Daybook, ${table} with its indexes`,
        'MB',
        bytes.map((size) => size / 2 ** 20),
      ),
    );
    const delay = over(
      'Daybook, submit to start',
      'p99 ms',
      intervals.map(({ p99Ms }) => p99Ms),
    );
    const series = [rate, delay, memory, ...tables];
    return {
      series,
      goals: [
        ...medianGoal(series, rate, { atLeast: PER_SECOND * 0.98 }),
        ...[rate].map((each) => growth(each, { atLeast: 0.95 })),
        ...[memory, ...tables].map((each) => growth(each, { below: 1.25 })),
      ],
      notes: [
        `${intervals.length} parts of ${intervalSeconds} s each, in order.`,
        `${counts?.deadTuples.toLocaleString('en')} dead tuples at the end.`,
        ...(verified === null ? [] : [verifiedText(verified)]),
      ],
    };
  },
};

/** The last third against the second: by then everything has warmed up. */
function growth(series: Series, bound: Parameters<typeof ratioGoal>[2]) {
  const third = Math.floor(series.values.length / 3);
  const part = (name: string, from: number, to?: number) => ({
    ...series,
    name,
    values: series.values.slice(from, to),
  });
  const last = part(`${series.name}, ${series.unit}: last third`, 2 * third);
  return ratioGoal(last, part('second third', third, 2 * third), bound);
}

async function watchSizes(
  { url }: FreshDatabase,
  intervalSeconds: number,
  sizes: ReadonlyMap<string, number[]>,
) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const look = async () => {
    for (const [table, bytes] of sizes) {
      const { rows } = await client.query<{ bytes: string }>(
        "select coalesce(pg_total_relation_size(to_regclass('daybook.' || $1)), 0) as bytes",
        [table],
      );
      bytes.push(Number(rows[0]?.bytes));
    }
  };
  let looked = Promise.resolve();
  const timer = setInterval(() => {
    looked = looked.then(look);
  }, intervalSeconds * 1_000);
  return async () => {
    clearInterval(timer);
    await looked;
    await client.end();
  };
}
