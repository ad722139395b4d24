import type { Fault } from './fault.ts';

/** A handler that kills its process, whoever runs it, until it is buried alone. */
export const deadlyJob: Fault = {
  name: 'deadly-job',
  async inflict({ load }) {
    const id = await load.submit('deadly', 'main', 0);
    return { what: id ?? 'not submitted' };
  },
};
