import { setTimeout as wait } from 'node:timers/promises';
import { seconds } from '../world/sessions.ts';
import type { Order } from '../processes/orders.ts';
import type { Fault } from './fault.ts';

const HOUR_MS = 3_600_000;

/** A worker’s wall clock is set wrong, its monotonic clock leaps ahead, and the wall is set right again. */
export const clockJump: Fault = {
  name: 'clock-jump',
  async inflict({ world, chance }) {
    const victim = chance.pick(world.workers);
    await victim.ready;
    const wallMs = chance.between(-48, 48) * HOUR_MS;
    const aheadMs = chance.oneIn(2) ? world.tempo.beyondLeaseMs : 0;
    victim.order({ order: 'shift-clock', wallMs, aheadMs } satisfies Order);
    await wait(world.tempo.withinLeaseMs);
    victim.order({ order: 'shift-clock', wallMs: 0, aheadMs: 0 } satisfies Order);
    return { what: `${victim.name} by ${wallMs / HOUR_MS} h, and ${seconds(aheadMs)} ahead` };
  },
};
