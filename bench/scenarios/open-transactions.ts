import pg from 'pg';
import { contenders } from '../contenders/registry.ts';
import type { FreshDatabase } from '../servers/postgres-server.ts';
import { ratioGoal, runNotes } from '../report/figures.ts';
import { cycleDefaults, ours, wholeRates } from './full-cycle.ts';
import { interleaved, oneEach } from '../runs/interleaved.ts';
import type { RunStaging, Scenario } from '../scenario.ts';

/** Long enough to see where it leads; a contender that stands still is not waited for. */
const LIMIT_MS = 60_000;

/** The full cycle while somebody else's transaction stays open. */
export const openTransactions: Scenario = {
  name: 'held',
  title: 'Full cycle beside a transaction that stays open for the whole run',
  async measure(bench) {
    const jobs = bench.quick ? 2_000 : 500_000;
    const warmUp = bench.quick ? 200 : 2_000;
    const load = { kind: 'cycle', ...cycleDefaults, jobs, warmUp, limitMs: LIMIT_MS } as const;
    const names = bench.contenders.filter(
      (name) => contenders[name].server === 'postgres' && name !== 'pg-boss-work',
    );
    const turns = await interleaved(
      bench,
      Object.entries(transactions).flatMap(([what, staging]) =>
        oneEach(bench.quick ? names.slice(0, 1) : names, load).map((turn) => ({
          ...turn,
          ...staging,
          name: `${turn.name}, ${what}`,
        })),
      ),
      1,
    );
    const series = turns.map(wholeRates);
    const [without, ...beside] = ours(turns).map(wholeRates);
    const stopped = turns.filter(({ runs }) => runs.some((run) => run.jobs < jobs));
    return {
      series,
      goals:
        without === undefined
          ? []
          : beside.map((each) => ratioGoal(each, without, { atLeast: 0.9 })),
      notes: [
        ...stopped.map(({ name }) => `${name}: stopped after ${LIMIT_MS / 1_000} s.`),
        ...runNotes(turns),
      ],
    };
  },
};

const transactions: Readonly<Record<string, RunStaging>> = {
  'none open': {},
  'an old snapshot held': {
    beside: (database) => holdOpen(database, 'isolation level repeatable read'),
  },
  'a writing transaction open': {
    beside: (database) => holdOpen(database, 'read write', 'create table held_open (id int)'),
  },
};

/** Begins a transaction that has a snapshot, and a number if `write` writes; resolves with its end. */
async function holdOpen({ url }: FreshDatabase, mode: string, write = 'select 1') {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(`begin ${mode}`);
  await client.query('select 1');
  await client.query(write);
  return async () => {
    await client.query('rollback');
    await client.end();
  };
}
