import type { Chance } from '../chance.ts';
import type { ChaosProcess } from './chaos-process.ts';
import type { World } from './world.ts';

export function allProcesses({ workers, apis, keepers }: World): readonly ChaosProcess[] {
  return [...workers, ...apis, ...keepers];
}

export function anyProcess(world: World, chance: Chance): ChaosProcess {
  return chance.pick(allProcesses(world));
}
