import { describe, expect, it } from 'vitest';
import { createNdjsonFrames, createSseFrames } from '../../../src/api/events/event-frames.ts';
import type { LoggedEvent } from '../../../src/consumers/tail/log-page.ts';

let written = 0;
/** An event that counts how often it is written out. */
function eventAt(position: number): LoggedEvent {
  return {
    position: BigInt(position),
    token: `v1.1.${position}`,
    streamId: '0198e0f2-6f2c-7cc3-98c1-2f5d4c1a7b11',
    version: position,
    type: 'JobCancelled',
    schemaVersion: 1,
    epoch: 1,
    occurredAtMs: 0,
    queue: 'default',
    jobType: 'x',
    tags: [],
    elapsedMs: null,
    actor: null,
    causation: null,
    correlation: null,
    get data() {
      written += 1;
      return { reason: 'ü' };
    },
  } as unknown as LoggedEvent;
}

const log = [1, 2, 3, 4, 5].map(eventAt);
const picked = (...places: number[]) => log.filter((_, index) => places.includes(index));
const ids = (bytes: Buffer) => [...bytes.toString().matchAll(/^id: (.*)$/gm)].map(([, id]) => id);

describe('the bytes of events', () => {
  it('are made once for a stretch, however many connections want it', () => {
    const frames = createSseFrames('here');
    written = 0;
    const bytes = frames.events(log);
    expect(written).toBe(5);
    expect(ids(bytes)).toEqual(log.map(({ token }) => token));
    // Another list of the same events, as every subscriber has its own.
    expect(frames.events([...log])).toBe(bytes);
    expect(written).toBe(5);
  });

  it('are those of the events that are asked for, whatever was asked for before', () => {
    const frames = createSseFrames('here');
    const asked = [log, picked(0, 1), log, picked(0, 2), picked(0), picked(1, 2, 3), picked(2, 4)];
    for (const events of asked) {
      expect(ids(frames.events(events))).toEqual(events.map(({ token }) => token));
    }
    expect(frames.events([])).toHaveLength(0);
  });

  it('are made once each for those that a filter picks out', () => {
    const frames = createSseFrames('here');
    frames.events(picked(0, 2));
    written = 0;
    frames.events(picked(0, 2));
    frames.events(picked(0));
    expect(written).toBe(0);
  });

  it('are one line each as NDJSON', () => {
    const lines = createNdjsonFrames('here').events(log).toString().trimEnd().split('\n');
    expect(lines.map((line) => Number(JSON.parse(line).sequence))).toEqual([1, 2, 3, 4, 5]);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ data: { reason: 'ü' } });
  });
});
