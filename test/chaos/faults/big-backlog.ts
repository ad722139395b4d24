import type { Fault } from './fault.ts';

/** Thousands of jobs at once. */
export const bigBacklog: Fault = {
  name: 'big-backlog',
  async inflict({ load, chance }) {
    const count = chance.between(1_500, 3_000);
    await load.submitBatch(count);
    return { what: `${count} jobs` };
  },
};
