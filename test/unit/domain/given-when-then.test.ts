import { describe, expect, it } from 'vitest';
import type { Recorded } from '../../../src/domain/recorded.ts';
import { accept, type Decision, reject } from '../../../src/domain/rejection.ts';
import {
  given,
  givenStreamId,
  occurredAtMs,
  recordEvents,
  specificationFor,
} from '../../../src/testing/given-when-then.ts';
import { uuidV7TimeMs } from '../../../src/kernel/ids.ts';
import { isUuid } from '../../../src/kernel/uuid.ts';
import { claim, claimed, complete, completed, running, submitted } from './job-fixtures.ts';

describe('given/when/then of a job', () => {
  it('passes what is so', () => {
    given(running).when(complete()).then([completed]);
    given(running).when(claim()).thenRejected('illegal-transition');
  });

  it('fails with the difference when other events come out', () => {
    const told = () =>
      given([submitted()])
        .when(claim('token-2'))
        .then([claimed(1, 'token-1')]);
    expect(told).toThrow(/Given JobSubmitted; when .*kind: 'claim'/);
    expect(told).toThrow(/\+ +leaseToken: 'token-2'/);
    expect(told).toThrow(/- +leaseToken: 'token-1'/);
  });

  it('fails when fewer or more events come out', () => {
    expect(() => given(running).when(complete()).then([])).toThrow(/other events came out/);
    const two = [completed, completed];
    expect(() => given(running).when(complete()).then(two)).toThrow(/other events came out/);
  });

  it('fails with the rejection when events were expected', () => {
    const told = () => given([]).when(claim()).then([claimed()]);
    expect(told).toThrow(/Given nothing;.*refused with 'job-not-found' \(No such job/);
  });

  it('fails with the events when a rejection was expected', () => {
    const told = () => given(running).when(complete()).thenRejected('lease-lost');
    expect(told).toThrow(/accepted, not refused with 'lease-lost'\.\n.*JobCompleted/);
  });

  it('fails when the rejection is another one', () => {
    const told = () => given([]).when(claim()).thenRejected('lease-lost');
    expect(told).toThrow(/refused with 'job-not-found'.*Expected was 'lease-lost'/);
  });

  it('fails with a plain Error, which no runner shows in a way of its own', () => {
    try {
      given(running).when(complete()).then([]);
    } catch (error) {
      expect(Object.getPrototypeOf(error)).toBe(Error.prototype);
      return;
    }
    throw new Error('nothing was thrown');
  });

  it('refuses a history that no job could have', () => {
    expect(() => given([claimed()])).toThrow(/before the birth/);
  });

  it('decides one second after the last given event, unless told otherwise', () => {
    given([submitted({ delayMs: 1_000 })])
      .when(claim())
      .then([claimed()]);
    given([submitted({ delayMs: 1_001 })])
      .when(claim())
      .thenRejected('illegal-transition');
    given([submitted({ delayMs: 1_001 })])
      .when(claim(), { nowMs: occurredAtMs(1) + 1_001 })
      .then([claimed()]);
  });
});

describe('recorded events', () => {
  it('stand in one stream, in version order, one second apart', () => {
    const recorded = recordEvents(running);
    expect(recorded.map((event) => event.version)).toStrictEqual([1, 2]);
    expect(new Set(recorded.map((event) => event.streamId))).toStrictEqual(
      new Set([givenStreamId]),
    );
    const times = recorded.map((event) => event.occurredAtMs);
    expect(times).toStrictEqual([Date.UTC(2026, 0, 1), Date.UTC(2026, 0, 1, 0, 0, 1)]);
    expect(recorded[1]).toStrictEqual({
      ...running[1],
      streamId: givenStreamId,
      version: 2,
      position: null,
      epoch: 1,
      schemaVersion: 1,
      occurredAtMs: occurredAtMs(2),
      queue: 'default',
      jobType: 'x',
      tags: [],
      elapsedMs: null,
      actor: null,
      causation: null,
      correlation: null,
    });
  });

  it('can go on from a version', () => {
    const [event] = recordEvents([completed], 7);
    expect(event).toMatchObject({ version: 7, occurredAtMs: occurredAtMs(7) });
  });

  it('have a stream id that fits the first time', () => {
    expect(isUuid(givenStreamId)).toBe(true);
    expect(uuidV7TimeMs(givenStreamId)).toBe(occurredAtMs(1));
  });
});

describe("a user's own decider", () => {
  type LampEvent = { readonly type: 'LampLit' } | { readonly type: 'LampBroke' };
  interface Lamp {
    readonly lit: boolean;
    readonly since: number;
  }

  function decideLamp(
    lamp: Lamp | null,
    _command: 'light',
    context: { readonly random: number },
  ): Decision<LampEvent> {
    if (lamp?.lit) return reject('already-recorded', 'It is lit.');
    return accept({ type: context.random < 0.1 ? 'LampBroke' : 'LampLit' });
  }

  function evolveLamp(lamp: Lamp | null, event: LampEvent & Recorded): Lamp {
    if (event.type === 'LampBroke' && lamp !== null) throw new Error('It cannot break twice.');
    return { lit: event.type === 'LampLit', since: event.occurredAtMs };
  }

  const givenLamp = specificationFor({ decide: decideLamp, evolve: evolveLamp });

  it('is told in the same words', () => {
    givenLamp([])
      .when('light')
      .then([{ type: 'LampLit' }]);
    givenLamp([])
      .when('light', { random: 0.01 })
      .then([{ type: 'LampBroke' }]);
    givenLamp([{ type: 'LampLit' }])
      .when('light')
      .thenRejected('already-recorded');
  });

  it('must be able to fold what it decided', () => {
    const told = () =>
      givenLamp([{ type: 'LampBroke' }])
        .when('light', { random: 0 })
        .then([{ type: 'LampBroke' }]);
    expect(told).toThrow('It cannot break twice.');
  });
});
