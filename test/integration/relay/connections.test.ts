import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Service } from '../../../src/kernel/service.ts';
import {
  type KurrentDouble,
  startKurrentDouble,
} from '../../support/kurrent-double/kurrent-double.ts';
import { openTestDaybook, type TestDaybook } from '../../support/open-daybook.ts';
import { realServer, relaySettings } from '../../support/relay-settings.ts';
import { expectedStreams, relayed, startRelay } from '../../support/relay-steps.ts';
import { hasTools } from '../../support/system-tool.ts';
import { startTcpProxy, type TcpProxy } from '../../support/tcp-proxy.ts';

let daybook: TestDaybook;
beforeAll(async () => {
  daybook = await openTestDaybook();
});
afterAll(() => daybook.close());

const submitSome = async (count = 20) => {
  const jobs = Array.from({ length: count }, (_, n) => ({ type: 'note', payload: { n } }));
  for (const { id } of await daybook.submitMany(jobs)) await daybook.cancel(id);
};

const expectAllIn = async ({ events }: KurrentDouble) => {
  for (const [stream, ids] of await expectedStreams(daybook.db)) {
    expect(events.stream(stream)?.map(({ id }) => id)).toEqual(ids);
  }
};

describe.skipIf(realServer() !== undefined)('the relay, over a network that fails', () => {
  let double: KurrentDouble;
  let proxy: TcpProxy;
  let relay: Service;
  beforeAll(async () => {
    double = await startKurrentDouble();
    const target = Number(new URL(double.url).port);
    proxy = await startTcpProxy(() => target);
    const url = `esdb://127.0.0.1:${proxy.port}?tls=false`;
    relay = await startRelay(daybook.db, relaySettings(url, { timeoutMs: 500 }));
  });
  afterAll(async () => {
    await relay?.stop();
    await proxy.close();
    await double.stop();
  });

  /** Until the relay has given up the connection that it had, and made another. */
  const leftOne = async (work: () => void) => {
    const { made } = proxy;
    work();
    await submitSome();
    await vi.waitFor(() => expect(proxy.made).toBeGreaterThan(made));
  };

  it.each<[string, () => Promise<void>]>([
    [
      'goes silent, and nobody is told',
      () =>
        leftOne(() => {
          proxy.silence();
          proxy.heal();
        }),
    ],
    ['is cut', () => leftOne(() => proxy.cut())],
    [
      'takes longer for an answer than there is time, for a while',
      async () => {
        await leftOne(() => proxy.hold());
        proxy.heal();
      },
    ],
  ])('a connection that %s is left for another one', async (_, fail) => {
    await submitSome();
    await relayed(daybook.db);
    await fail();
    await submitSome();
    await relayed(daybook.db);
    await expectAllIn(double);
  });
});

describe.runIf(hasTools('openssl') && realServer() === undefined)('the relay, encrypted', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'daybook-tls-'));
    const to = ['-keyout', join(folder, 'key.pem'), '-out', join(folder, 'ca.pem')];
    const names = ['-subj', '/CN=double', '-addext', 'subjectAltName=DNS:localhost'];
    const made = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', ...to, ...names];
    execFileSync('openssl', made, { stdio: 'ignore' });
  });
  afterAll(() => rm(folder, { recursive: true }));

  it.each(['batch', 'single'] as const)(
    'says who it is, to a server that it trusts, appends: %s',
    async (appends) => {
      const key = await readFile(join(folder, 'key.pem'));
      const certificate = await readFile(join(folder, 'ca.pem'));
      const double = await startKurrentDouble({ tls: { key, certificate } });
      const url = double.url.replace('//127.0.0.1', '//ada:p%40ss@localhost');
      const file = encodeURIComponent(join(folder, 'ca.pem'));
      const settings = relaySettings(`${url}&tlsCAFile=${file}`, { appends });
      await submitSome(3);
      await daybook.db.database.pool.query(
        `delete from daybook.consumer_checkpoints where name = 'relay'`,
      );
      const relay = await startRelay(daybook.db, settings);
      await relayed(daybook.db);
      await relay.stop();
      await expectAllIn(double);
      expect([...double.callers]).toEqual(['ada:p@ss']);
      await double.stop();
    },
  );
});
