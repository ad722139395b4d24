import { expect, it } from 'vitest';
import { whyIllegalForQueue } from '../../../src/domain/queue/legality.ts';
import { evolveQueue, type QueueEvent, type QueueState } from '../../../src/domain/queue/queue.ts';
import { recordEvents } from '../../../src/testing/given-when-then.ts';

const created: QueueEvent = { type: 'QueueCreated', data: { name: 'default' } };
const paused: QueueEvent = { type: 'QueuePaused', data: { reason: null } };
const resumed: QueueEvent = { type: 'QueueResumed', data: { reason: null } };
const configured: QueueEvent = { type: 'QueueConfigured', data: { settings: {}, reason: null } };

const streams: readonly (readonly [string, readonly QueueEvent[], RegExp | null])[] = [
  ['a life', [created, paused, configured, resumed, configured, paused], null],
  ['an event before the birth', [paused], /begin with QueueCreated/],
  ['a second birth', [created, created], /created before/],
  ['a second pause', [created, paused, paused], /paused already/],
  ['a resumption of what runs', [created, resumed], /not paused/],
];

it.each(streams)('%s of a queue is judged', (_, events, reason) => {
  let state: QueueState | null = null;
  const whys: (string | null)[] = [];
  for (const event of recordEvents(events)) {
    const why = whyIllegalForQueue(state, event);
    whys.push(why);
    if (why === null) state = evolveQueue(state, event);
  }
  expect(whys.slice(0, -1).filter((why) => why !== null)).toEqual([]);
  if (reason === null) expect(whys.at(-1)).toBeNull();
  else expect(whys.at(-1)).toMatch(reason);
});
