import type { Observable } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createClient, type SignalListeners } from '../../../src/client/client.ts';
import { iterateEvents } from '../../../src/consumers/tail/event-iterator.ts';
import { eventStream } from '../../../src/consumers/tail/event-stream.ts';
import { parseLogToken } from '../../../src/domain/log-token.ts';
import { submitMany } from '../../support/job-steps.ts';
import { sequenceAll } from '../../support/log-steps.ts';
import { createTestApi, type TestApi } from '../api/api-server.ts';
import { numbers, openTail, type TestTail } from './subscribing.ts';

let api: TestApi;
let tail: TestTail;
let url: string;
let head = 0;
beforeEach(async () => {
  // It holds one event: whoever reads along falls out of it with every two that come at once.
  const tailOf = (db: TestApi['db']) => {
    tail = openTail(db, { ring: { maxEvents: 1, maxBytes: 1_000_000 } });
    return tail;
  };
  api = await createTestApi({}, {}, tailOf);
  url = await api.listen();
  await write(10);
});
afterEach(async () => {
  await tail.stop();
  await api.close();
});

async function write(count: number): Promise<void> {
  const { db } = api;
  await submitMany(db, count);
  await sequenceAll(db.database);
  db.wakeUp.hintHere('log');
  const { rows } = await db.database.pool.query(`select position from ${db.schema}.log_head`);
  head = Number((rows[0] as { position: string }).position);
}

/** What a restored dump and a failover look like to readers. */
async function openEpoch(): Promise<void> {
  const { schema, database, wakeUp } = api.db;
  await database.pool.query(`
    insert into ${schema}.log_epochs (epoch, system_identifier, timeline, after_position, reason)
      values (2, 'another', 1, ${head}, 'test');
    update ${schema}.log_head set epoch = 2, tick = tick + 1`);
  wakeUp.hintHere('log');
}

type Read = (options: ReadOptions) => AsyncIterable<Tokened> | Observable<Tokened>;
type ReadOptions = SignalListeners & { readonly after: string; readonly signal: AbortSignal };
interface Tokened {
  readonly token: string;
}

const client = () => createClient({ url, random: () => -1 });
const readers: readonly (readonly [string, Read])[] = [
  ['the iterator of the library', (options) => iterateEvents(tail, options)],
  ['the Observable of the library', (options) => eventStream(tail, options)],
  ['the iterator of the client', (options) => client().events(options)],
  ['the Observable of the client', (options) => client().events$(options)],
];

/** Reads, and notes events and signals in the order in which they come. */
function follow(read: Read, listeners: SignalListeners) {
  const ended = new AbortController();
  const told: string[] = [];
  const note = (what: string) => (token: string) => void told.push(`${what} ${token}`);
  const source = read({
    after: 'start',
    signal: ended.signal,
    onCaughtUp: note('caught-up'),
    onGap: note('gap'),
    ...listeners,
  });
  const take = ({ token }: Tokened) => told.push(token);
  const over =
    'subscribe' in source
      ? new Promise<void>((resolve, reject) => {
          source.subscribe({ next: take, complete: resolve, error: reject });
        })
      : (async () => {
          for await (const event of source) take(event);
        })();
  over.catch(() => undefined);
  return { told, over, end: () => ended.abort() };
}

const tokens = (epoch: number, first: number, last: number) =>
  numbers(first, last).map((position) => `v1.${epoch}.${position}`);

describe.each(readers)('%s', (_, read) => {
  it('hears of what is no event, in its place among the events', async () => {
    const resets: string[] = [];
    const reader = follow(read, {
      onReset({ token, reason }) {
        resets.push(`${reason} ${token}`);
        return token;
      },
    });
    const before = head;
    await expect
      .poll(() => reader.told)
      .toEqual([...tokens(1, 1, before), `caught-up v1.1.${before}`]);
    reader.told.length = 0;

    await write(20);
    await expect.poll(() => reader.told.at(-1)).toBe(`caught-up v1.1.${head}`);
    expect(reader.told).toEqual([
      `gap v1.1.${before}`,
      ...tokens(1, before + 1, head),
      `caught-up v1.1.${head}`,
    ]);
    reader.told.length = 0;

    await openEpoch();
    await expect.poll(() => reader.told.at(-1)).toBe(`caught-up v1.2.${head}`);
    expect(resets).toEqual(['epoch v1.2.0']);
    expect(reader.told).toEqual([...tokens(2, 1, head), `caught-up v1.2.${head}`]);
    reader.end();
    await reader.over;
  });

  it('ends with an error where nobody says how to go on', async () => {
    const reader = follow(read, {});
    await expect.poll(() => reader.told.length).toBe(head + 1);
    await openEpoch();
    await expect(reader.over).rejects.toMatchObject({ code: 'token-expired' });
  });

  it('begins anew at once with a token of another epoch', async () => {
    const answers: string[] = [];
    const reader = follow((options) => read({ ...options, after: 'v1.9.4' }), {
      onReset({ token, reason }) {
        answers.push(reason);
        return token;
      },
    });
    await expect.poll(() => reader.told.at(-1)).toBe(`caught-up v1.1.${head}`);
    expect(reader.told.slice(0, -1)).toEqual(tokens(1, 1, head));
    expect(answers).toEqual(['epoch']);
    reader.end();
    await reader.over;
  });

  it('begins anew once more where the log was shorter first, and then another one', async () => {
    const answers: string[] = [];
    const reader = follow(read, {
      onReset({ token, reason }) {
        answers.push(`${reason} ${token}`);
        // As in a failover: a new epoch is opened before anybody has read on.
        const { bounds } = tail;
        if (reason === 'ahead') {
          vi.spyOn(tail, 'bounds').mockImplementationOnce(async () => {
            await openEpoch();
            return bounds.call(tail);
          });
        }
        return token;
      },
    });
    await expect.poll(() => reader.told.at(-1)).toBe(`caught-up v1.1.${head}`);
    head -= 3;
    const { schema, database, wakeUp } = api.db;
    await database.pool.query(`update ${schema}.log_head set position = ${head}, tick = tick + 1`);
    wakeUp.hintHere('log');
    await expect.poll(() => reader.told.at(-1)).toBe(`caught-up v1.2.${head}`);
    expect(answers).toEqual(['ahead v1.1.0', 'epoch v1.2.0']);
    reader.end();
    await reader.over;
  });

  it('does not ask again for a place in the log that is none', async () => {
    const asked: string[] = [];
    const reader = follow((options) => read({ ...options, after: 'v1.9.4' }), {
      onReset({ token }) {
        asked.push(token);
        return 'v1.9.4';
      },
    });
    await expect(reader.over).rejects.toMatchObject({ code: 'token-expired' });
    expect(asked.map((token) => parseLogToken(token)?.position)).toEqual([0n]);
  });
});
