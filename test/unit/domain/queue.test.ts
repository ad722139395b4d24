import { describe, expect, it } from 'vitest';
import {
  decideQueue,
  evolveQueue,
  type QueueEvent,
  type QueueState,
} from '../../../src/domain/queue/queue.ts';
import {
  occurredAtMs,
  recordEvents,
  specificationFor,
} from '../../../src/testing/given-when-then.ts';

const given = specificationFor({ decide: decideQueue, evolve: evolveQueue });

const created: QueueEvent = { type: 'QueueCreated', data: { name: 'default' } };
const paused: QueueEvent = { type: 'QueuePaused', data: { reason: null } };
const resumed: QueueEvent = { type: 'QueueResumed', data: { reason: null } };
const reason = 'deploying';

function fold(events: readonly QueueEvent[]): QueueState | null {
  return recordEvents(events).reduce<QueueState | null>(evolveQueue, null);
}

describe('a queue', () => {
  it('is created once', () => {
    given([])
      .when({ kind: 'create', name: 'emails' })
      .then([{ type: 'QueueCreated', data: { name: 'emails' } }]);
    given([created]).when({ kind: 'create', name: 'default' }).thenRejected('already-recorded');
  });

  it('that does not exist accepts nothing else', () => {
    given([]).when({ kind: 'pause', reason }).thenRejected('illegal-transition');
    given([]).when({ kind: 'resume', reason }).thenRejected('illegal-transition');
    given([]).when({ kind: 'configure', settings: {}, reason }).thenRejected('illegal-transition');
  });

  it('is paused once, with the reason', () => {
    given([created])
      .when({ kind: 'pause', reason })
      .then([{ type: 'QueuePaused', data: { reason } }]);
    given([created, paused]).when({ kind: 'pause', reason }).thenRejected('already-recorded');
    given([created, paused, resumed]).when({ kind: 'pause', reason: null }).then([paused]);
  });

  it('is resumed once, with the reason', () => {
    given([created, paused])
      .when({ kind: 'resume', reason })
      .then([{ type: 'QueueResumed', data: { reason } }]);
    given([created]).when({ kind: 'resume', reason }).thenRejected('already-recorded');
    given([created, paused, resumed])
      .when({ kind: 'resume', reason })
      .thenRejected('already-recorded');
  });

  it('says what stands in the way', () => {
    const birth = fold([created]);
    const said = [
      decideQueue(null, { kind: 'pause', reason }),
      decideQueue(birth, { kind: 'create', name: 'default' }),
      decideQueue(fold([created, paused]), { kind: 'pause', reason }),
      decideQueue(birth, { kind: 'resume', reason }),
    ].map(({ rejection }) => rejection?.detail);
    expect(said).toEqual([
      'The queue does not exist.',
      'The queue exists already.',
      'The queue is paused already.',
      'The queue is not paused.',
    ]);
  });

  it('is configured, paused or not', () => {
    const settings = { concurrency: 3 };
    for (const history of [[created], [created, paused]]) {
      given(history)
        .when({ kind: 'configure', settings, reason })
        .then([{ type: 'QueueConfigured', data: { settings, reason } }]);
    }
  });
});

describe('the fold of a queue', () => {
  it('begins unpaused, with no settings', () => {
    expect(fold([created])).toStrictEqual({
      name: 'default',
      version: 1,
      paused: false,
      settings: {},
      createdAtMs: occurredAtMs(1),
    });
  });

  it('knows whether it is paused, and keeps all else', () => {
    const birth = fold([created]);
    expect(fold([created, paused])).toStrictEqual({ ...birth, paused: true, version: 2 });
    expect(fold([created, paused, resumed])).toStrictEqual({ ...birth, version: 3 });
  });

  it('keeps the settings that a later configuration does not name', () => {
    const configured = (settings: { concurrency?: number }): QueueEvent => ({
      type: 'QueueConfigured',
      data: { settings, reason: null },
    });
    const three = [created, configured({ concurrency: 3 })];
    expect(fold(three)?.settings).toStrictEqual({ concurrency: 3 });
    expect(fold([...three, paused, configured({})])?.settings).toStrictEqual({ concurrency: 3 });
    const five = { ...fold([created]), settings: { concurrency: 5 }, version: 3 };
    expect(fold([...three, configured({ concurrency: 5 })])).toStrictEqual(five);
  });

  it('refuses an event before the birth, and a gap', () => {
    expect(() => fold([paused])).toThrow(/QueuePaused at version 1 is an event before the birth\./);
    const [first, , third] = recordEvents([created, paused, resumed]);
    if (!first || !third) throw new Error('three events were recorded');
    const state = evolveQueue(null, first);
    expect(() => evolveQueue(state, third)).toThrow(/QueueResumed at version 3 is a gap after 1\./);
  });

  it('refuses a second birth', () => {
    expect(() => fold([created, paused, created])).toThrow(
      /QueueCreated at version 3 is a second birth\./,
    );
    const [again] = recordEvents([created]);
    if (!again) throw new Error('one event was recorded');
    expect(() => evolveQueue(fold([created]), again)).toThrow(
      /QueueCreated at version 1 is a second birth\./,
    );
  });

  it('refuses a birth later than at version 1', () => {
    const late = recordEvents([created], 5);
    const folding = () => late.reduce<QueueState | null>(evolveQueue, null);
    expect(folding).toThrow(/QueueCreated at version 5 is a second birth\./);
  });
});
