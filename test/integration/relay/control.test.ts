import { describe, expect, it } from 'vitest';
import {
  runRelayParked,
  runRelayRestart,
  runRelayRetry,
  runRelayStatus,
  runRelayVerify,
} from '../../../src/maintenance/relay-commands.ts';
import type { EventTarget } from '../../../src/relay/target/event-target.ts';
import type { RelayReport } from '../../../src/relay/verify/relay-report.ts';
import type { TestDaybook } from '../../support/open-daybook.ts';
import {
  differences,
  readTargetStream,
  relayed,
  type Relayed,
  type RelayTarget,
  startRelay,
  withRelay,
} from '../../support/relay-steps.ts';
import { createRelayOperator } from '../../support/relay-operator.ts';
import { realServer, relaySettings } from '../../support/relay-settings.ts';

/** A real server may have the streams of other tests, too. */
const extra = realServer() === undefined ? { equal: true, extra: 0 } : {};
const same = { missing: 0, differing: 0, ...extra };

describe('an operator of the relay', () => {
  let at: RelayTarget;
  let target: EventTarget;
  let daybook: TestDaybook;
  let running: Relayed;
  withRelay({ maxEventBytes: 20_000 }, (found) => {
    running = found;
    ({ at, target, daybook } = found);
  });

  const { command, said } = createRelayOperator(() => daybook);
  const verify = async (): Promise<RelayReport> =>
    JSON.parse(
      await said(runRelayVerify(command(), { json: true, relay: { url: at.url } })),
    ) as RelayReport;
  const submit = (payload: unknown = {}) => daybook.submit({ type: 'note', payload });

  it('finds both sides the same', async () => {
    const { id } = await submit({ text: 'äöü — 😀', n: 1e21 });
    await daybook.cancel(id);
    await relayed(daybook.db);
    expect(await verify()).toMatchObject({ ...same, parked: 0 });
    expect(await said(runRelayStatus(command()))).toMatch(/0 events, 0.0 s behind; moving/);
  });

  it('has what is too large put aside, with what comes after it, until it is tried again', async () => {
    const { id } = await submit({ text: 'x'.repeat(30_000) });
    await daybook.cancel(id);
    const other = await submit();
    await relayed(daybook.db);
    expect(await readTargetStream(target, `job-${id}`)).toEqual([]);
    expect(await readTargetStream(target, `job-${other.id}`)).toHaveLength(1);
    expect(await said(runRelayParked(command()))).toMatch(/about 3\d{4} bytes/);
    expect(await verify()).toMatchObject({ ...same, parked: 2 });

    await running.relay.stop();
    running.relay = await startRelay(daybook.db, relaySettings(at.url));
    await submit();
    expect(await said(runRelayRetry(command(), `job-${id}`))).toBe('Streams tried again: 1.');
    await expect.poll(async () => (await readTargetStream(target, `job-${id}`)).length).toBe(2);
    await expect.poll(() => said(runRelayParked(command()))).toBe('');
    // What comes of it now goes the usual way again.
    await relayed(daybook.db);
    expect(await differences(daybook.db, target)).toEqual([]);
    await expect(runRelayRetry(command(), `job-${id}`)).rejects.toThrow('Nothing of');
  });

  it.skipIf(realServer() !== undefined)('has a tombstoned stream put aside', async () => {
    const { id } = await submit();
    await relayed(daybook.db);
    at.double?.events.tombstone(`job-${id}`);
    await daybook.cancel(id);
    await submit();
    await relayed(daybook.db);
    expect(await said(runRelayParked(command()))).toContain(id);
    // The first event was relayed and is gone: that is no secret.
    expect(await verify()).toMatchObject({ equal: false, missing: 1, parked: 1 });
  });

  it.skipIf(realServer() !== undefined)(
    'relays again what the target has lost, and is told what differs',
    async () => {
      const lost = await submit();
      const changed = await submit();
      await relayed(daybook.db);
      at.double?.events.forget(`job-${lost.id}`);
      at.double?.events.forget(`job-${changed.id}`);
      const [first] = await daybook.history(changed.id);
      const { eventId } = await import('../../../src/kernel/ids.ts');
      const metadata = { position: String(first?.position) };
      const data = { type: 'another' };
      const id = eventId(changed.id, 1, 1);
      const wrong = { id, type: 'JobSubmitted', data, metadata };
      await target.append(`job-${changed.id}`, [wrong], 'no-stream');
      const report = await verify();
      expect(report.differences).toContainEqual(
        expect.objectContaining({ kind: 'missing', stream: `job-${lost.id}`, revision: '0' }),
      );
      expect(report.differences).toContainEqual(
        expect.objectContaining({ kind: 'differing', stream: `job-${changed.id}`, what: 'data' }),
      );
      await expect(runRelayRestart(command(), 10_000n)).rejects.toThrow('name a position');
      await runRelayRestart(command(), BigInt(String(first?.position)) - 1n);
      await expect
        .poll(async () => (await readTargetStream(target, `job-${lost.id}`)).length)
        .toBe(1);
    },
  );

  it.skipIf(realServer() !== undefined)(
    'finds what an older version relayed the same',
    async () => {
      const { id } = await submit();
      await relayed(daybook.db);
      const stream = `job-${id}`;
      const [now] = await readTargetStream(target, stream);
      if (now === undefined) throw new Error('It was relayed.');
      const { correlated, source, ...older } = now.metadata as Record<string, unknown>;
      expect([correlated, source]).toEqual([false, '/daybook/daybook']);
      at.double?.events.forget(stream);
      const data = now.data as Record<string, unknown>;
      const event = { id: now.id, type: now.type, data, metadata: older };
      await target.append(stream, [event], 'no-stream');
      const { differences: found } = await verify();
      expect(found.filter((each) => each.stream === stream)).toEqual([]);
      // What it does say must be right.
      at.double?.events.forget(stream);
      const wrong = { ...event, metadata: { ...older, correlated: true } };
      await target.append(stream, [wrong], 'no-stream');
      expect((await verify()).differences).toContainEqual(
        expect.objectContaining({ kind: 'differing', stream, what: 'metadata' }),
      );
      at.double?.events.forget(stream);
      await target.append(stream, [event], 'no-stream');
    },
  );

  it('is told of another log in the same target, and finds its own there', async () => {
    const { foreign, extra: before } = await verify();
    const id = '0198e0f2-6f2c-7cc3-98c1-2f5d4c1a7b12';
    const metadata = { position: '1', source: '/daybook/other' };
    const event = { id, type: 'JobSubmitted', data: {}, metadata };
    await target.append(`job-${id}`, [event], 'no-stream');
    expect(await verify()).toMatchObject({ foreign: foreign + 1, extra: before });
  });

  it('is told of events that the log does not have', async () => {
    const id = '0198e0f2-6f2c-7cc3-98c1-2f5d4c1a7b11';
    const event = { id, type: 'JobSubmitted', data: {}, metadata: { position: '1' } };
    await target.append(`job-${id}`, [event], 'no-stream');
    const { differences: found } = await verify();
    expect(found).toContainEqual(expect.objectContaining({ kind: 'extra', stream: `job-${id}` }));
  });
});
