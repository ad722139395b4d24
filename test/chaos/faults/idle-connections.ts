import { setTimeout as wait } from 'node:timers/promises';
import type pg from 'pg';
import { seconds } from '../world/sessions.ts';
import type { Fault } from './fault.ts';

const COUNT = 300;

/** Others open 300 connections and do nothing with them. */
export const idleConnections: Fault = {
  name: 'idle-connections',
  async inflict({ world }) {
    const forMs = world.tempo.withinLeaseMs;
    const opened: pg.Client[] = [];
    try {
      while (opened.length < COUNT) {
        const more = Array.from({ length: 20 }, () => world.connect());
        opened.push(...(await Promise.all(more)));
      }
      await wait(forMs);
    } finally {
      await Promise.all(opened.map((client) => client.end()));
    }
    return { what: `${COUNT} for ${seconds(forMs)}` };
  },
};
