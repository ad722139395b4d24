import { EventEmitter } from 'node:events';
import type { FastifyReply } from 'fastify';
import { describe, expect, it } from 'vitest';
import { createWaits } from '../../../src/api/requests/waits.ts';

/** A reply as far as a wait looks at it. */
function reply(closed = false): FastifyReply {
  return { raw: Object.assign(new EventEmitter(), { closed }) } as unknown as FastifyReply;
}

describe('a wait', () => {
  it('is abandoned when its client goes', () => {
    const client = reply();
    const wait = createWaits(1).begin(client);
    expect([wait.signal.aborted, wait.abandoned]).toEqual([false, false]);
    client.raw.emit('close');
    expect([wait.signal.aborted, wait.abandoned]).toEqual([true, true]);
  });

  it('is abandoned from the start when the client has gone before', () => {
    expect(createWaits(1).begin(reply(true)).abandoned).toBe(true);
  });

  it('does not listen any more once it has ended', () => {
    const client = reply();
    const wait = createWaits(1).begin(client);
    wait.end();
    client.raw.emit('close');
    expect(wait.abandoned).toBe(false);
    expect(client.raw.listenerCount('close')).toBe(0);
  });
});

describe('waits', () => {
  it('are as many as may be, and make room when they end', () => {
    const waits = createWaits(2);
    const first = waits.begin(reply());
    waits.begin(reply());
    expect(() => waits.begin(reply())).toThrow(expect.objectContaining({ code: 'overloaded' }));
    first.end();
    expect(() => waits.begin(reply())).not.toThrow();
  });

  it('all end early, also those that begin later', () => {
    const waits = createWaits(2);
    const before = waits.begin(reply());
    waits.endAll();
    const after = waits.begin(reply());
    expect([before, after].map((wait) => [wait.signal.aborted, wait.abandoned])).toEqual([
      [true, false],
      [true, false],
    ]);
  });
});
