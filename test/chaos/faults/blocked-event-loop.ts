import { seconds } from '../world/sessions.ts';
import type { Fault } from './fault.ts';

/** A handler that does not let its event loop turn. */
export const blockedEventLoop: Fault = {
  name: 'blocked-event-loop',
  async inflict({ world, load }) {
    const { blockMs } = world.tempo;
    await load.submit('blocks', 'main', blockMs);
    return { what: `for ${seconds(blockMs)}` };
  },
};
