import type { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createClient } from '../../../src/client/client.ts';
import { openEventSource, positionsIn, positionOf } from '../../support/event-source.ts';
import type { Block } from '../../support/event-source.ts';
import { createTestApi, type TestApi } from '../api/api-server.ts';
import { numbers } from './subscribing.ts';

/** More than what two kernels keep for a connection on one machine. */
const MUCH = 40 * 1_048_576;

let api: TestApi;
let url: string;
let sockets: Set<Socket>;
let head = 0;
beforeEach(async () => {
  api = await createTestApi();
  head = 0;
  sockets = new Set();
  api.app.server.on('connection', (socket) => sockets.add(socket));
  url = `${await api.listen()}/v1/events`;
  await api.db.database.pool.query(`
    insert into ${api.db.schema}.queues (id, tenant_id, name, stream_id, version, created_at)
      values (1, 1, 'default', gen_random_uuid(), 1, now())`);
});
afterEach(() => api.close());

/** Writes events into the log, past inbox and sequencer; each with a text of so many bytes. */
async function write(count: number, bytes = 0): Promise<void> {
  const { schema, database, wakeUp } = api.db;
  await database.transaction(async (tx) => {
    await tx.run(
      {
        name: `write-${head}`,
        sql: () => `
          with written as (
            insert into ${schema}.events (position, occurred_at, stream_id, version, queue_id, epoch,
              type, schema_version, data)
            select ${head} + n, now(), gen_random_uuid(), 1, 1, 1, 7, 1,
              jsonb_build_object('reason', repeat('x', ${bytes}))
            from generate_series(1, ${count}) as n)
          update ${schema}.log_head set position = ${head} + ${count}`,
        values: () => [],
      },
      {},
    );
  });
  head += count;
  wakeUp.hintHere('log');
}

const told = (what: string) => api.observed.filter((each) => each.what === what).length;
const isCaughtUp = (block: Block) => block.event === 'caught-up';
const isAt = (position: number) => (block: Block) => positionOf(block) === position;

describe('a client that stops reading', () => {
  it('keeps no memory, holds up nobody, and loses nothing when it reads again', async () => {
    const stuck = await openEventSource(url);
    await stuck.until(isCaughtUp);
    stuck.response.pause();
    const other = await openEventSource(url);
    const seen = await other.until(isCaughtUp);
    let most = 0;
    for (let round = 0; round < 20; round += 1) {
      await write(500, Math.ceil(MUCH / 10_000));
      seen.push(...(await other.until(isAt(head))));
      most = Math.max(most, ...[...sockets].map(({ writableLength }) => writableLength));
    }
    expect(positionsIn(seen)).toEqual(numbers(1, 10_000));
    expect(seen.some(({ event }) => event === 'gap')).toBe(false);
    // Its chunk waits in this process, and nothing else does.
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThan(2 * 1_048_576);

    stuck.response.resume();
    const late = await stuck.until(isAt(head));
    expect(positionsIn(late)).toEqual(numbers(1, 10_000));
    const gap = late.find(({ event }) => event === 'gap');
    // The place from which it is read from the log again.
    const before = positionsIn(late.slice(0, late.indexOf(gap as Block))).at(-1);
    expect(gap?.id).toBe(`v1.1.${before}`);
    expect(await stuck.until(isCaughtUp)).not.toEqual([]);
    expect(told('fellBehind')).toBe(1);
    stuck.close();
    other.close();
  });

  it('is cut off in the end', async () => {
    const own = await createTestApi({ limits: { stalledMs: 50 } });
    const closed = new Promise((resolve) => {
      own.app.server.on('connection', (socket) => socket.on('close', resolve));
    });
    const stuck = await openEventSource(`${await own.listen()}/v1/events?after=start`);
    stuck.response.pause();
    const { schema, database, wakeUp } = own.db;
    await database.pool.query(`
      insert into ${schema}.queues (id, tenant_id, name, stream_id, version, created_at)
        values (1, 1, 'default', gen_random_uuid(), 1, now());
      insert into ${schema}.events (position, occurred_at, stream_id, version, queue_id, epoch, type,
          schema_version, data)
        select n, now(), gen_random_uuid(), 1, 1, 1, 7, 1, jsonb_build_object('reason', repeat('x', 8000))
        from generate_series(1, 3000) as n;
      update ${schema}.log_head set position = 3000`);
    wakeUp.hintHere('log');
    await expect(closed).resolves.toBe(false);
    stuck.close();
    await own.close();
  });
});

describe('a reader of our own client that does not ask for more', () => {
  it('takes nothing more from the network, and goes on where it was', async () => {
    const sent = () =>
      api.observed
        .filter(({ what }) => what === 'eventsSent')
        .reduce((sum, { with: [count] }) => sum + Number(count), 0);
    const client = createClient({ url: url.replace('/v1/events', '') });
    const events = client.events({ after: 'start' });
    await write(1);
    const positions = [Number((await events.next()).value?.event.sequence)];
    for (let round = 0; round < 20; round += 1) await write(500, Math.ceil(MUCH / 10_000));
    // By the time that another one has all of it, this one could have, too.
    const other = await openEventSource(`${url}?after=start`);
    expect(positionsIn(await other.until(isAt(head)))).toHaveLength(head);
    expect(sent() - head).toBeLessThan(head * 0.9);
    for await (const { event } of events) {
      positions.push(Number(event.sequence));
      if (positions.length === head) break;
    }
    expect(positions).toEqual(numbers(1, head));
    other.close();
  });
});

describe('two hundred clients, one of them stuck', () => {
  it('get every event once and in order', async () => {
    const sources = await Promise.all(numbers(1, 200).map(() => openEventSource(url)));
    await Promise.all(sources.map((source) => source.until(isCaughtUp)));
    const [stuck, ...others] = sources;
    stuck?.response.pause();
    const all = Promise.all(others.map((source) => source.until(isAt(2_000))));
    for (let round = 0; round < 20; round += 1) await write(100);
    const wanted = numbers(1, 2_000);
    for (const blocks of await all) expect(positionsIn(blocks)).toEqual(wanted);
    stuck?.response.resume();
    expect(positionsIn((await stuck?.until(isAt(2_000))) ?? [])).toEqual(wanted);
    for (const source of sources) source.close();
    // Nobody reads for himself what all can share: one page for each writing, and a few between.
    expect(told('fellBehind')).toBe(0);
  });
});
