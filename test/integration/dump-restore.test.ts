import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createServer } from '../../src/api/server.ts';
import { type Daybook, type DaybookOptions, openDaybook } from '../../src/daybook.ts';
import { formatLogToken } from '../../src/domain/log-token.ts';
import { type Observer, silentObserver } from '../../src/kernel/observer.ts';
import type { EventRow } from '../../src/store/statements/read-streams.ts';
import { readHead } from '../../src/store/statements/read-head.ts';
import { drain } from '../../src/testing.ts';
import { expectSoon } from '../support/expect-soon.ts';
import { expectOrder, wholeLog } from '../support/log-steps.ts';
import { startTestServer, type TestServer } from '../support/postgres-servers.ts';
import { hasTools } from '../support/system-tool.ts';
import { PATIENCE_MS } from '../support/patience.ts';
import { holdOne, mailer } from './restored-servers.ts';

describe.runIf(hasTools('pg_dump', 'pg_restore'))('a dump restored into a new server', () => {
  const warnings: string[] = [];
  const observer: Observer = { ...silentObserver, warn: (message) => warnings.push(message) };
  const servers: TestServer[] = [];
  /** The log of the old server at the time of the dump. */
  let dumped: EventRow[];
  let restored: Daybook;
  /** Write tokens of jobs: sequenced, still in the inbox, and written after the dump. */
  let tokens: { early: string; inbox: string; lost: string };
  let held: string;

  beforeAll(async () => {
    const source = await startTestServer(15);
    const target = await startTestServer(15);
    servers.push(source, target);
    const file = join(dirname(source.dataFolder), 'daybook.dump');

    const first = await open(source, { migrate: true });
    // Some hundred inbox numbers and transactions more than the new server will have seen.
    for (let round = 0; round < 100; round += 1) await first.submit(mail(`n${round}`));
    await drain(first);
    const early = await first.submit(later('early'));
    const holding = await first.submit({ ...mail('held'), queue: 'held' });
    held = holding.id;
    await holdOne(first, held, 'held');
    await inLog(first, held);
    await first.close();

    const idle = await open(source, { maintain: false });
    // Not moved to the log before the dump; and a number that was drawn in vain is missing there.
    const client = await idle.context.database.pool.connect();
    await client.query('begin');
    await idle.submit(later('never'), { client });
    const inbox = await idle.submit(later('inbox'));
    dumped = await wholeLog(idle.context.database);
    run('pg_dump', '--format=custom', `--file=${file}`, source.connectionString);
    await client.query('rollback');
    client.release();
    const lost = await idle.submit(later('lost'));
    await idle.close();

    run('pg_restore', '--exit-on-error', `--dbname=${target.connectionString}`, file);
    tokens = { early: early.token, inbox: inbox.token, lost: lost.token };
    restored = await open(target, { observer });
  });

  afterAll(async () => {
    await restored?.close();
    for (const server of servers) await server.stop();
  });

  /** Of a list that waits for a second, as often as it takes. */
  const statusAfter = (token: string) =>
    vi.waitFor(async () => {
      const answer = await ask(`/v1/jobs?after=${token}`);
      expect(answer).not.toContain('projection-behind');
      return answer;
    });
  const ask = async (url: string) => {
    const app = createServer({
      context: restored.context,
      consumers: restored.consumers,
      metricsText: () => Promise.resolve(''),
      version: 'test',
      instance: 'restored',
      isDraining: () => false,
      limits: { queueMs: PATIENCE_MS },
    });
    const answer = await app.inject(url);
    await app.close();
    return [answer.statusCode, answer.json<{ code?: string }>().code];
  };

  it('begins a new epoch, and says so', async () => {
    const [old, present, ...more] = await restored.epochs.list();
    expect(more).toEqual([]);
    // What was in the inbox still belongs to the epoch before.
    expect(present).toMatchObject({
      epoch: 2,
      afterPosition: BigInt(dumped.length + 1),
      reason: `another server: ${old?.systemIdentifier} before, ${present?.systemIdentifier} now`,
    });
    expect(warnings).toEqual(['a new epoch of the log was opened']);
    const [head] = await restored.context.database.run(readHead, {});
    expect(head?.epoch).toBe(2);
    expect(restored.context.epoch()).toBe(2);
  });

  it('has the whole log, from position 1, as it was', async () => {
    const log = await wholeLog(restored.context.database);
    const told = (event: EventRow) => ({ ...event, read_at: 0 });
    expect(log.slice(0, dumped.length).map(told)).toEqual(dumped.map(told));
    expectOrder(log);
  });

  it('knows the write tokens of what it has, and says of others that they are lost', async () => {
    expect(await statusAfter(tokens.early)).toEqual([200, undefined]);
    expect(await statusAfter(tokens.inbox)).toEqual([200, undefined]);
    expect(await statusAfter(tokens.lost)).toEqual([410, 'write-lost']);
  });

  it('resets log tokens of the old epoch, and takes those of the new one', async () => {
    expect(await ask('/v1/events?after=v1.1.5')).toEqual([410, 'token-expired']);
    const follow = restored.events({ after: formatLogToken({ epoch: 1, position: 5n }) });
    await expect(follow.next()).rejects.toMatchObject({
      code: 'token-expired',
      facts: { reason: 'epoch', epoch: 2 },
    });
    expect(await ask('/v1/events?after=v1.2.5')).toEqual([200, undefined]);
    for await (const { position } of restored.events({ after: 'start' })) {
      expect(position).toBe(1n);
      break;
    }
  });

  it('takes back what workers of the old server held', async () => {
    const types = async () => (await restored.history(held)).map(({ type }) => type);
    await expectSoon(types).toEqual(['JobSubmitted', 'JobClaimed', 'JobInterrupted']);
    await drain(restored, { queues: ['held'] });
    expect((await restored.get(held))?.phase).toBe('completed');
  });

  it('goes on: jobs are submitted, run and sequenced, and read models follow', async () => {
    const jobs = await restored.submitMany([
      mail('after'),
      { ...mail('elsewhere'), queue: 'new-queue', tags: ['after'] },
    ]);
    await drain(restored, { queues: ['default', 'new-queue'] });
    for (const { id } of jobs) {
      expect((await restored.get(id))?.phase).toBe('completed');
      await inLog(restored, id);
    }
    const log = await wholeLog(restored.context.database);
    expectOrder(log);
    expect(log.at(-1)?.epoch).toBe(2);
    const [head] = await restored.context.database.run(readHead, {});
    await expectSoon(async () => {
      const lags = await restored.consumers.list();
      return lags.map(({ position, moving }) => position === head?.position && moving);
    }).not.toContain(false);
    expect(await statusAfter(jobs[1]?.token ?? '')).toEqual([200, undefined]);
  });
});

const mail = (to: string) => ({ type: 'mail', payload: { to } });
const later = (to: string) => ({ ...mail(to), delayMs: 3_600_000 });

function open(server: TestServer, options: Partial<DaybookOptions>): Promise<Daybook> {
  const { connectionString } = server;
  return openDaybook({
    connectionString,
    jobs: [mailer],
    caretaker: { expiryMs: 100 },
    ...options,
  });
}

/** Waits until all events of a job have a position. */
async function inLog(daybook: Daybook, id: string): Promise<void> {
  const unplaced = async () =>
    (await daybook.history(id)).filter(({ position }) => position === null);
  await vi.waitFor(async () => expect(await unplaced()).toEqual([]));
}

function run(program: string, ...args: readonly string[]): void {
  const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  expect({ program, status, stderr }).toEqual({ program, status: 0, stderr: '' });
}
