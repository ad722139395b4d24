import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { ConsumerLag } from '../../../src/consumers/lag.ts';
import { createRelayControl } from '../../../src/relay/control/relay-control.ts';
import type { EventTarget } from '../../../src/relay/target/event-target.ts';
import {
  runRelayPark,
  runRelayParked,
  runRelayRestart,
  runRelayRetry,
  runRelayStatus,
  runRelayVerify,
} from '../../../src/maintenance/relay-commands.ts';
import type { TestDaybook } from '../../support/open-daybook.ts';
import {
  differences,
  readTargetStream,
  relayed,
  type RelayTarget,
  withRelay,
} from '../../support/relay-steps.ts';
import { createRelayOperator } from '../../support/relay-operator.ts';
import { realServer } from '../../support/relay-settings.ts';

// Streams of a real server cannot be mended by a test.
describe.skipIf(realServer() !== undefined)('a stream at which the relay has stopped', () => {
  let at: RelayTarget;
  let target: EventTarget;
  let daybook: TestDaybook;
  withRelay({}, (found) => {
    ({ at, target, daybook } = found);
  });

  const { command, said } = createRelayOperator(() => daybook);
  const soon = { interval: 20 };
  const lag = async (): Promise<ConsumerLag | undefined> =>
    (await daybook.consumers.list()).find(({ name }) => name === 'relay');
  const stopped = () => expect.poll(async () => (await lag())?.failure ?? null, soon);
  const idsIn = async (stream: string) =>
    (await readTargetStream(target, stream)).map(({ id }) => id);
  const parked = () => createRelayControl(daybook.db.database).parked(0n, 100);
  const submit = () => daybook.submit({ type: 'note', payload: {} });

  it('is set aside with what stopped it, while the others go on, until it is tried again', async () => {
    await daybook.consumers.pause('relay');
    const stuck = await submit();
    const foreign = randomUUID();
    const event = { id: foreign, type: 'Foreign', data: {}, metadata: {} };
    await target.append(`job-${stuck.id}`, [event], 'no-stream');
    const other = await submit();
    await daybook.consumers.resume('relay');
    const way = `daybook relay park job-${stuck.id} --reason`;
    await stopped().toMatchObject({
      name: 'foreign-event',
      message: expect.stringContaining(way) as string,
    });
    await expect(runRelayPark(command(), `job-${other.id}`, 'why')).rejects.toMatchObject({
      code: 'invalid-options',
      message: expect.stringContaining(`job-${stuck.id}, position`) as string,
    });
    expect(await said(runRelayStatus(command()))).toContain(way);

    await runRelayPark(command(), `job-${stuck.id}`, 'billing was asked');
    await daybook.cancel(stuck.id);
    await daybook.cancel(other.id);
    await relayed(daybook.db);
    expect(await lag()).toMatchObject({ halted: null, failure: null, lagEvents: 0n });
    expect(await idsIn(`job-${other.id}`)).toHaveLength(2);
    expect(await idsIn(`job-${stuck.id}`)).toEqual([foreign]);
    expect(await said(runRelayStatus(command()))).toContain('Streams put aside: 1');
    expect(await parked()).toMatchObject([
      { stream_id: stuck.id, attempts: 1, error: { reason: 'billing was asked' } },
      { stream_id: stuck.id, attempts: 0, error: null },
    ]);
    const [first, second] = (await said(runRelayParked(command()))).split('\n');
    expect(first).toMatch(/parked {2}.*Daybook did not write\. \(billing was asked\)$/);
    expect(second).toContain('waits behind another');
    await expect(runRelayPark(command(), stuck.id, 'again')).rejects.toThrow('at no stream');

    // Tried too early it is parked once more, and holds up nobody else.
    await runRelayRetry(command(), `job-${stuck.id}`);
    await expect.poll(async () => (await parked())[0]?.attempts, soon).toBe(2);
    expect(await lag()).toMatchObject({ halted: null, failure: null });

    at.double?.events.forget(`job-${stuck.id}`);
    await runRelayRetry(command(), `job-${stuck.id}`);
    await expect.poll(parked, soon).toEqual([]);
    await relayed(daybook.db);
    expect(await differences(daybook.db, target)).toEqual([]);
  });

  it('is relayed again from before a gap, once it is set aside', async () => {
    const job = await submit();
    await relayed(daybook.db);
    const [submitted] = await daybook.history(job.id);
    at.double?.events.forget(`job-${job.id}`);
    await daybook.cancel(job.id);
    await stopped().toMatchObject({ name: 'gap' });
    await runRelayPark(command(), job.id, 'deleted by mistake');
    await submit();
    await relayed(daybook.db);
    await runRelayRestart(command(), BigInt(String(submitted?.position)));
    await expect.poll(async () => (await parked()).length, soon).toBe(2);
    await runRelayRetry(command(), `job-${job.id}`);
    await expect.poll(parked, soon).toEqual([]);
    await relayed(daybook.db);
    expect(await differences(daybook.db, target)).toEqual([]);
  });

  it('is parked again where it was deleted, and counts on behind what is gone', async () => {
    await daybook.consumers.pause('relay');
    const job = await submit();
    const stream = `job-${job.id}`;
    const event = { id: randomUUID(), type: 'Foreign', data: {}, metadata: {} };
    await target.append(stream, [event], 'no-stream');
    await daybook.consumers.resume('relay');
    await stopped().toMatchObject({ name: 'foreign-event' });
    await runRelayPark(command(), job.id, 'why');
    at.double?.events.deleteSoftly(stream);
    await runRelayRetry(command(), stream);
    await expect
      .poll(async () => (await parked())[0], soon)
      .toMatchObject({ attempts: 2, error: { name: 'gap' } });
    expect(await lag()).toMatchObject({ halted: null });
    at.double?.events.forget(stream);
    await runRelayRetry(command(), stream);
    await expect.poll(parked, soon).toEqual([]);
    await relayed(daybook.db);
    expect(await differences(daybook.db, target)).toEqual([]);
  });

  it('counts as parked only with what is not in the target', async () => {
    // In the target, and read again while its stream is parked.
    const job = await submit();
    await relayed(daybook.db);
    const [submitted] = await daybook.history(job.id);
    const event = { id: randomUUID(), type: 'Foreign', data: {}, metadata: {} };
    await target.append(`job-${job.id}`, [event], 0n);
    await daybook.cancel(job.id);
    await stopped().toMatchObject({ name: 'foreign-event' });
    await runRelayPark(command(), job.id, 'why');
    await runRelayRestart(command(), BigInt(String(submitted?.position)));
    await expect.poll(async () => (await parked()).length, soon).toBe(2);
    await relayed(daybook.db);
    const relay = { url: at.url };
    const report = JSON.parse(
      await said(runRelayVerify(command(), { json: true, relay })),
    ) as object;
    expect(report).toMatchObject({ parked: 1, missing: 0, differing: 0, extra: 1 });
  });
});
