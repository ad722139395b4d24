import type { ChaosProcess } from './chaos-process.ts';
import type { World } from './world.ts';

/** The keeper whose connection last moved events to the log; any of them if none is seen to. */
export async function sequencingKeeper(world: World): Promise<ChaosProcess> {
  const { rows } = await world.admin
    .query<{ port: number }>(
      `select client_port as port from pg_stat_activity
       where query like '/* daybook:sequence-inbox */%' order by query_start desc`,
    )
    .catch(() => ({ rows: [] }));
  const ports = rows.map(({ port }) => port);
  const found = ports
    .map((port) => world.keepers.find(({ proxy }) => proxy.leads(port)))
    .find((keeper) => keeper !== undefined);
  const keeper = found ?? world.keepers[0];
  if (keeper === undefined) throw new Error('There is no keeper.');
  return keeper;
}
