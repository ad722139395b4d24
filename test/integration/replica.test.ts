import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createServer } from '../../src/api/server.ts';
import { type Daybook, openDaybook } from '../../src/daybook.ts';
import { examine } from '../../src/doctor/doctor.ts';
import { type Observer, silentObserver } from '../../src/kernel/observer.ts';
import { drain } from '../../src/testing.ts';
import { expectSoon } from '../support/expect-soon.ts';
import { expectOrder, wholeLog } from '../support/log-steps.ts';
import { startTestServer, type TestServer } from '../support/postgres-servers.ts';
import { startStandby } from '../support/standby-server.ts';
import { hasTools } from '../support/system-tool.ts';
import { withClient } from '../support/template-database.ts';
import { PATIENCE_MS } from '../support/patience.ts';
import { holdOne, mailer, rejection } from './restored-servers.ts';

describe.runIf(hasTools('pg_basebackup'))('a streaming replica', () => {
  const servers: TestServer[] = [];
  const warnings: string[] = [];
  const observer: Observer = { ...silentObserver, warn: (message) => warnings.push(message) };
  let primary: Daybook;
  let replica: Daybook;
  let standbyAddress: string;
  let completed: string;

  beforeAll(async () => {
    const main = await startTestServer(15);
    servers.push(main);
    primary = await openDaybook({
      connectionString: main.connectionString,
      migrate: true,
      jobs: [mailer],
    });
    const [first] = await primary.submitMany([
      { type: 'mail', payload: { to: 'ada' } },
      { type: 'mail', payload: { to: 'bob' }, tags: ['late'], delayMs: 3_600_000 },
    ]);
    completed = first?.id ?? '';
    await drain(primary);
    const standby = await startStandby(main);
    servers.push(standby);
    standbyAddress = standby.connectionString;
    // Both are named, and the standby is wanted.
    const [one, two] = [new URL(main.connectionString), new URL(standbyAddress)];
    const both = one.href.replace(one.host, `${one.host},${two.host}`);
    const connectionString = `${both}?target_session_attrs=standby`;
    replica = await openDaybook({ connectionString, readOnly: true, observer });
  });

  afterAll(async () => {
    await replica?.close();
    await primary?.close();
    for (const server of servers.toReversed()) await server.stop();
  });

  const api = (daybook = replica) =>
    createServer({
      context: daybook.context,
      consumers: daybook.consumers,
      metricsText: () => Promise.resolve(''),
      version: 'test',
      instance: 'replica',
      isDraining: () => false,
      limits: { queueMs: PATIENCE_MS },
    });

  it('answers a job, its history, and what is written from now on', async () => {
    expect(await replica.get(completed)).toMatchObject({
      phase: 'completed',
      payload: { to: 'ada' },
      result: 'sent to ada',
    });
    expect((await replica.history(completed)).map(({ type }) => type)).toEqual([
      'JobSubmitted',
      'JobClaimed',
      'JobCompleted',
    ]);
    const { id } = await primary.submit({ type: 'mail', payload: { to: 'cyd' } });
    await expectSoon(async () => (await replica.get(id))?.phase).toBe('ready');
    await primary.cancel(id, { reason: 'enough' });
    expect((await replica.waitFor(id)).phase).toBe('cancelled');
  });

  it('answers lists, queues, consumers and the log, over HTTP too', async () => {
    const app = api();
    const ask = async (url: string) => {
      const answer = await app.inject(url);
      expect([url, answer.statusCode]).toEqual([url, 200]);
      return answer.json<{ data: { id: string; name: string }[] }>();
    };
    await expectSoon(async () => (await ask('/v1/jobs?tag=late')).data.length).toBe(1);
    const { token } = (await primary.get(completed)) ?? {};
    const listed = await vi.waitFor(() => ask(`/v1/jobs?after=${token}&state=completed`));
    expect(listed.data).toMatchObject([{ id: completed }]);
    expect((await ask('/v1/queues')).data).toMatchObject([{ name: 'default' }]);
    expect(await ask(`/v1/jobs/${completed}/events`)).toBeDefined();
    expect((await ask('/v1/consumers')).data.length).toBeGreaterThan(0);
    expect((await ask('/v1/events?after=start&pageSize=5')).data).toHaveLength(5);
    for await (const { position } of replica.events({ after: 'start' })) {
      if (position === 5n) break;
    }
    await ask('/health/ready');
    await app.close();
    const atPrimary = await wholeLog(primary.context.database);
    await expectSoon(async () => (await wholeLog(replica.context.database)).length).toBe(
      atPrimary.length,
    );
    expectOrder(await wholeLog(replica.context.database));
  });

  it('waits for the write that a token names, and says so where it does not come', async () => {
    const at = (text: string) => withClient(standbyAddress, (client) => client.query(text));
    await at('select pg_wal_replay_pause()');
    const { id } = await primary.submit({ type: 'mail', payload: { to: 'eve' }, delayMs: 9e6 });
    const { token } = (await primary.get(id)) ?? {};
    const app = api();
    const late = await app.inject(`/v1/jobs?after=${token}`);
    expect([late.statusCode, late.json<{ code: string }>().code]).toEqual([
      503,
      'projection-behind',
    ]);
    await at('select pg_wal_replay_resume()');
    await expectSoon(async () => (await app.inject(`/v1/jobs?after=${token}`)).statusCode).toBe(
      200,
    );
    expect((await replica.get(id))?.token).toBe(token);
    await app.close();
  });

  it('refuses every write with one code, and is not worn out by them', async () => {
    const refused = { code: 'read-only' };
    expect(await rejection(replica.submit({ type: 'mail', payload: { to: 'x' } }))).toMatchObject(
      refused,
    );
    expect(await rejection(replica.submit({ type: 'new', queue: 'new' }))).toMatchObject(refused);
    expect(await rejection(replica.pauseQueue('default'))).toMatchObject(refused);
    const { data } = (await api().inject('/v1/jobs?tag=late')).json<{ data: { id: string }[] }>();
    expect(await rejection(replica.cancel(data[0]?.id ?? ''))).toMatchObject(refused);
    expect(await rejection(replica.consumers.rebuild('job-status'))).toMatchObject(refused);
    expect(await rejection(replica.epochs.open('no'))).toMatchObject(refused);
    expect(() => replica.worker()).toThrow(/only reads/);
    const app = api();
    for (const [url, payload] of [
      ['/v1/jobs', { type: 'mail', payload: { to: 'x' } }],
      ['/v1/queues/default/claim', { worker: 'w', limit: 1 }],
    ] as const) {
      const answer = await app.inject({ method: 'POST', url, payload });
      expect([answer.statusCode, answer.json<{ code: string }>().code]).toEqual([503, 'read-only']);
    }
    await app.close();
    expect(warnings).toEqual([]);
  });

  it('is not opened to be written to', async () => {
    const open = (options: object) =>
      rejection(openDaybook({ connectionString: standbyAddress, ...options }));
    expect(await open({})).toMatchObject({ code: 'read-only' });
    expect(await open({ maintain: false })).toMatchObject({ code: 'read-only' });
    expect(await open({ readOnly: true, migrate: true })).toMatchObject({
      code: 'invalid-options',
    });
    expect(await open({ readOnly: true, schema: 'elsewhere' })).toMatchObject({
      code: 'migration-needed',
    });
  });

  it('is examined by doctor as any other server, but for what it does not do', async () => {
    const findings = await vi.waitFor(async () => {
      const looked = await examine(replica.context.database, { version: '1.2.3' });
      expect(looked.findings.filter(({ level }) => level === 'wrong')).toEqual([]);
      return looked.findings;
    });
    expect(findings[0]).toMatchObject({
      check: 'server',
      message: expect.stringContaining(', a standby, ') as string,
    });
    expect(findings.map(({ check }) => check)).toContain('consumers');
    expect(findings.map(({ check }) => check)).not.toContain('wake-up');
  });

  it('opens a new epoch when it is promoted, and goes on where it was', async () => {
    const { id } = await primary.submit({ type: 'mail', payload: { to: 'dan' } });
    await holdOne(primary, id);
    await expectSoon(async () => (await replica.get(id))?.phase).toBe('running');
    await expectSoon(async () => (await primary.get(id))?.events.at(-1)?.position).not.toBeNull();
    await expectSoon(async () => (await replica.get(id))?.events.at(-1)?.position).not.toBeNull();
    // From here on the standby receives nothing: what the primary acknowledges is the tail that is lost.
    await withClient(standbyAddress, async (client) => {
      await client.query("alter system set primary_conninfo = ''");
      await client.query('select pg_reload_conf()');
      await expectSoon(async () => {
        return (await client.query('select from pg_stat_wal_receiver')).rows.length;
      }).toBe(0);
    });
    const lost = await primary.submit({ type: 'mail', payload: { to: 'gus' } });
    const { token: lostToken } = (await primary.get(lost.id)) ?? {};
    const read = await lastToken(primary, lost.id);
    await primary.close();
    await servers.shift()?.stop();
    await replica.context.database.pool.query('select pg_promote()');

    const promoted = await openDaybook({
      connectionString: standbyAddress,
      jobs: [mailer],
      caretaker: { expiryMs: 100 },
      observer,
    });
    const before = (await replica.get(id))?.events.at(-1)?.position ?? 0n;
    expect(await promoted.get(lost.id)).toBeNull();
    const asked = await api(promoted).inject(`/v1/jobs?after=${lostToken}`);
    expect([asked.statusCode, asked.json<{ code: string }>().code]).toEqual([410, 'write-lost']);
    const reader = promoted.events({ after: read })[Symbol.asyncIterator]();
    expect(await rejection(Promise.resolve(reader.next()))).toMatchObject({
      code: 'token-expired',
    });
    expect((await promoted.epochs.list()).slice(1)).toMatchObject([
      { epoch: 2, afterPosition: before, timeline: 2, reason: expect.stringMatching(/timeline/) },
    ]);
    expect(warnings.filter((text) => text === 'a new epoch of the log was opened')).toHaveLength(1);
    // Whose session it was, nobody knows any more: it runs again.
    await expectSoon(() => story(promoted, id)).toContain('JobInterrupted');
    await drain(promoted);
    expect((await replica.get(id))?.phase).toBe('completed');
    await expectSoon(async () => (await promoted.get(id))?.events.at(-1)?.position).not.toBeNull();
    const log = await wholeLog(replica.context.database);
    expectOrder(log);
    expect(
      log.filter(({ position }) => (position ?? 0n) > before).map(({ epoch }) => epoch),
    ).toEqual(Array.from({ length: log.length - Number(before) }, () => 2));
    await promoted.close();
  });
});

/** Reads the log to the first event of a job; gives the token to go on from there. */
async function lastToken(daybook: Daybook, id: string): Promise<string> {
  for await (const { streamId, token } of daybook.events({ after: 'start' })) {
    if (streamId === id) return token;
  }
  throw new Error('The log does not end.');
}

async function story(daybook: Daybook, id: string): Promise<string[]> {
  return (await daybook.history(id)).map(({ type }) => type);
}
