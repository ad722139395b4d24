import { setTimeout as wait } from 'node:timers/promises';
import { seconds } from '../world/sessions.ts';
import type { Fault } from './fault.ts';

/** Not a byte is left for tables and write-ahead log; then there is room again. */
export const diskFull: Fault = {
  name: 'disk-full',
  unavailable: ({ disk }) => disk.endless,
  async inflict({ world }) {
    const { disk, postgres, tempo } = world;
    disk.fill();
    await wait(tempo.withinLeaseMs);
    disk.empty();
    // It ends itself where it cannot write its log.
    await postgres.start();
    return { what: `for ${seconds(tempo.withinLeaseMs)}` };
  },
};
