import { describe, expect, it } from 'vitest';
import { createScriptedSequencer, type ScriptedSequencer } from './scripted-log.ts';

const preparation = ['read-server', 'read-head'];
const batch = 'sequence-inbox';

async function started(change: (run: ScriptedSequencer) => void = () => undefined) {
  const run = createScriptedSequencer();
  change(run);
  await run.service.start();
  await run.settle();
  return run;
}

/** The parameters of the batches that were asked for. */
function batchesOf({ log }: ScriptedSequencer): unknown[] {
  return log.asked.flatMap(([statement, params]) => (statement === batch ? [params] : []));
}

it('is a service of its name', () => {
  expect(createScriptedSequencer().service.name).toBe('sequencer');
});

describe('a sequencer without the duty', () => {
  it('leaves the log alone, and asks for the duty again after a third of the lease', async () => {
    const run = await started(({ log }) => {
      log.free = false;
    });
    expect(run.log.since()).toEqual(['take-duty']);
    await run.pass(999);
    expect(run.log.since()).toEqual([]);
    // Looks each fifth of the lease; the duty itself asks at most each third.
    await run.pass(1);
    expect(run.log.since()).toEqual([]);
    run.log.free = true;
    await run.pass(1_000);
    expect(run.log.since()).toEqual(['take-duty', ...preparation, batch]);
    await run.service.stop();
  });

  it('prepares the log again once it has the duty again', async () => {
    const run = await started();
    run.log.free = false;
    await run.pass(1_700);
    run.log.free = true;
    run.log.since();
    await run.pass(1_700);
    expect(run.log.since()).toEqual(['take-duty', ...preparation, batch]);
    await run.service.stop();
  });
});

describe('a sequencer with the duty', () => {
  it('asks with the tick it knows, for 5,000 numbers, and tells the channel', async () => {
    const run = await started(({ log }) => log.batches.push({ moved: 7 }, { moved: 0 }));
    await run.pass(10);
    const asked = { limit: 5_000, channel: 'the channel' };
    expect(batchesOf(run)).toEqual([
      { ...asked, tick: 3n },
      { ...asked, tick: 4n },
    ]);
    await run.service.stop();
  });

  it('takes over the tick of another sequencer', async () => {
    const run = await started(({ log }) => log.batches.push({ tick: 9n }));
    await run.pass(100);
    expect(batchesOf(run)).toMatchObject([{ tick: 3n }, { tick: 9n }]);
    await run.service.stop();
  });

  it('tells readers and metrics of what moved, and only of that', async () => {
    const run = await started(({ log }) => log.batches.push({ moved: 7 }));
    await run.pass(10);
    await run.pass(100);
    expect(run.told).toEqual(['moved 7', 'hint log']);
    await run.service.stop();
  });

  it('pauses 10 ms after a batch that was not full, and not at all after a full one', async () => {
    const run = await started(({ log }) => log.batches.push({ moved: 5_000 }, { moved: 4_999 }));
    expect(batchesOf(run)).toHaveLength(2);
    await run.pass(9);
    expect(batchesOf(run)).toHaveLength(2);
    await run.pass(1);
    expect(batchesOf(run)).toHaveLength(3);
    await run.service.stop();
  });

  it('looks into an empty inbox each 100 ms, and at once when it is told to', async () => {
    const run = await started();
    expect(batchesOf(run)).toHaveLength(1);
    await run.pass(99);
    expect(batchesOf(run)).toHaveLength(1);
    await run.pass(1);
    expect(batchesOf(run)).toHaveLength(2);
    run.listeners.get('inbox')?.();
    await run.settle();
    expect(batchesOf(run)).toHaveLength(3);
    await run.service.stop();
  });

  it('compares the server each two seconds', async () => {
    const run = await started();
    run.log.since();
    for (let ms = 0; ms < 2_000; ms += 100) await run.pass(100);
    expect(run.log.since()).not.toContain('read-server');
    await run.pass(100);
    expect(run.log.since()).toEqual([...preparation, batch]);
    await run.pass(100);
    expect(run.log.since()).toEqual([batch]);
    await run.service.stop();
  });

  it('makes partitions before they are needed', async () => {
    const run = await started(({ log }) => {
      if (log.head !== null) log.head.position = 31_000n;
      log.batches.push({ moved: 72 }, { moved: 1 });
    });
    expect(run.log.since()).not.toContain('add-partition');
    await run.pass(10);
    expect(run.log.since()).toEqual([batch, 'read-head', 'add-partition', 'read-head']);
    expect(run.log.head?.made).toBe(196_608n);
    await run.pass(10);
    expect(run.log.since()).toEqual([batch]);
    await run.service.stop();
  });

  it('makes the log again where its head is gone', async () => {
    const run = await started(({ log }) => log.batches.push('no head'));
    run.log.since();
    await run.pass(99);
    expect(run.log.since()).toEqual([]);
    await run.pass(1);
    expect(run.log.since()).toEqual([...preparation, batch]);
    await run.service.stop();
  });
});

describe('a sequencer that fails', () => {
  it('says so, pauses, prepares the log anew and goes on', async () => {
    const run = await started(({ log }) => log.batches.push('fail', { moved: 1 }));
    expect(run.told).toEqual(['the sequencer failed and tries again']);
    run.log.since();
    await run.pass(50);
    expect(run.log.since()).toEqual([...preparation, batch]);
    expect(run.told).toContain('moved 1');
    await run.pass(10);
    await run.service.stop();
  });
});

describe('a sequencer that stops', () => {
  it('gives the duty up and listens no more', async () => {
    const run = await started();
    run.log.since();
    await run.service.stop();
    expect(run.log.since()).toEqual(['leave-duty']);
    expect(run.listeners.size).toBe(0);
    await run.pass(10_000);
    expect(run.log.since()).toEqual([]);
    expect(run.told).toEqual([]);
  });

  it('lets the duty lapse where it cannot be given up', async () => {
    const run = await started();
    Object.assign(run.log.executor, { run: () => Promise.reject(new Error('away')) });
    await run.service.stop();
    expect(run.told).toEqual(['the sequencer’s duty lapses by itself']);
  });

  it('can be stopped before it was started', async () => {
    const run = createScriptedSequencer();
    await run.service.stop();
    expect(run.log.since()).toEqual([]);
  });
});
