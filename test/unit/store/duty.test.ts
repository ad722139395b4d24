import { describe, expect, it } from 'vitest';
import { createDuty } from '../../../src/store/duty.ts';
import { createFakeClock } from '../../../src/testing/fake-clock.ts';
import { createScriptedLog } from './scripted-log.ts';

function setUp() {
  const log = createScriptedLog();
  const clock = createFakeClock();
  return { log, clock, duty: createDuty(log.executor, 'a duty', 'me', 3_000, clock) };
}

describe('a duty', () => {
  it('is asked for by its name, its holder and its lease', async () => {
    const { log, duty } = setUp();
    expect(await duty.held()).toBe(true);
    expect(log.asked).toEqual([['take-duty', { duty: 'a duty', holder: 'me', leaseMs: 3_000 }]]);
  });

  it('is believed for a third of the lease, and then asked for again', async () => {
    const { log, clock, duty } = setUp();
    await duty.held();
    log.free = false;
    clock.advance(999);
    expect(await duty.held()).toBe(true);
    expect(log.asked).toHaveLength(1);
    clock.advance(1);
    expect(await duty.held()).toBe(false);
    expect(log.asked).toHaveLength(2);
  });

  it('that another holds is not asked for more often either', async () => {
    const { log, clock, duty } = setUp();
    log.free = false;
    expect(await duty.held()).toBe(false);
    log.free = true;
    expect(await duty.held()).toBe(false);
    clock.advance(1_000);
    expect(await duty.held()).toBe(true);
    expect(log.asked).toHaveLength(2);
  });

  it('is given up once, and only by who holds it', async () => {
    const { log, duty } = setUp();
    await duty.leave();
    expect(log.since()).toEqual([]);
    await duty.held();
    await duty.leave();
    expect(log.asked.at(-1)).toEqual(['leave-duty', { duty: 'a duty', holder: 'me' }]);
    expect(await duty.held()).toBe(false);
    await duty.leave();
    expect(log.since()).toEqual(['take-duty', 'leave-duty']);
  });
});
