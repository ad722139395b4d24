import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { submitMany } from '../../support/job-steps.ts';
import { type Block, openEventSource, positionsIn } from '../../support/event-source.ts';
import { sequenceAll } from '../../support/log-steps.ts';
import { createTestApi, type TestApi } from '../api/api-server.ts';
import { numbers } from './subscribing.ts';

let api: TestApi;
let url: string;
let head = 0;

async function write(count: number, queue = 'default'): Promise<void> {
  await submitMany(api.db, count, { queue });
  await sequenceAll(api.db.database);
  api.db.wakeUp.hintHere('log');
  const { rows } = await api.db.database.pool.query(
    `select position from ${api.db.schema}.log_head`,
  );
  head = Number((rows[0] as { position: string }).position);
}

beforeAll(async () => {
  api = await createTestApi({ limits: { heartbeatMs: 30, subscribers: 10 } });
  await write(20);
  url = `${await api.listen()}/v1/events`;
});
afterAll(() => api.close());

const isSignal = (name: string) => (block: Block) => block.event === name;
const isAt = (position: number) => (block: Block) => block.id === `v1.1.${position}`;

describe('server-sent events', () => {
  it('begin at the end, say so, and go on with what comes', async () => {
    const source = await openEventSource(url);
    expect(source.status).toBe(200);
    expect(source.headers).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
      'x-request-id': expect.any(String),
    });
    const begun = await source.until(isSignal('caught-up'));
    expect(begun).toEqual([
      { retry: '2000' },
      { event: 'caught-up', id: `v1.1.${head}`, data: `{"token":"v1.1.${head}"}` },
    ]);
    const before = head;
    await write(3);
    const blocks = await source.until(isAt(head));
    expect(positionsIn(blocks)).toEqual(numbers(before + 1, head));
    const last = JSON.parse(blocks.at(-1)?.data ?? '') as Record<string, unknown>;
    expect(last).toMatchObject({ specversion: '1.0', type: 'dev.daybook.job.submitted.v1' });
    expect(Number(last['sequence'])).toBe(head);
    source.close();
  });

  it('go on after Last-Event-ID, which goes before the query', async () => {
    const source = await openEventSource(`${url}?after=start`, { 'last-event-id': 'v1.1.7' });
    const blocks = await source.until(isSignal('caught-up'));
    expect(positionsIn(blocks)).toEqual(numbers(8, head));
    source.close();
  });

  it('move the token on by heartbeats where the filter lets nothing through', async () => {
    const source = await openEventSource(`${url}?queue=nothing-here&after=start`);
    await source.until(isSignal('caught-up'));
    await write(2);
    const blocks = await source.until(isAt(head));
    expect(positionsIn(blocks)).toEqual([]);
    expect(blocks.at(-1)?.comment).toBe(`heartbeat v1.1.${head}`);
    source.close();
  });

  it('filter what comes', async () => {
    const source = await openEventSource(`${url}?queue=picked&eventType=JobSubmitted`);
    await source.until(isSignal('caught-up'));
    await write(2);
    await write(1, 'picked');
    await write(2);
    const blocks = await source.until((block) => block.data?.includes('"queue":"picked"') === true);
    expect(positionsIn(blocks)).toEqual([head - 2]);
    source.close();
  });

  it('reset a token of another epoch, and lead to the beginning of this one', async () => {
    const source = await openEventSource(url, { 'last-event-id': 'v1.9.3' });
    const blocks = await source.until(isSignal('reset'));
    expect(blocks.at(-1)).toEqual({
      event: 'reset',
      id: 'v1.1.0',
      data: '{"token":"v1.1.0","reason":"epoch"}',
    });
    expect(await source.next()).toBeUndefined();
  });

  it.each([
    ['after=v1.1.100000', 400, 'position-ahead'],
    ['after=nonsense', 400, 'invalid-request'],
    ['colour=blue', 400, 'invalid-request'],
  ])('are not begun for %s', async (query, status, code) => {
    const answer = await fetch(`${url}?${query}`, { headers: { accept: 'text/event-stream' } });
    expect({ status: answer.status, ...((await answer.json()) as object) }).toMatchObject({
      status,
      code,
    });
  });

  it('are given to so many and no more', async () => {
    const sources = await Promise.all(numbers(1, 10).map(() => openEventSource(url)));
    const refused = await fetch(url, { headers: { accept: 'text/event-stream' } });
    expect(refused.status).toBe(503);
    expect(refused.headers.get('retry-after')).toBe('1');
    expect(await refused.json()).toMatchObject({ code: 'overloaded', retryable: true });
    sources[0]?.close();
    await expect
      .poll(async () => {
        const again = await openEventSource(url);
        again.close();
        return again.status;
      })
      .toBe(200);
    for (const source of sources) source.close();
  });

  it('have no body for HEAD', async () => {
    const answer = await fetch(url, { method: 'HEAD', headers: { accept: 'text/event-stream' } });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toContain('application/json');
  });
});

describe('NDJSON', () => {
  const lines = async (query: string) => {
    const answer = await fetch(`${url}?${query}`, { headers: { accept: 'application/x-ndjson' } });
    const text = await answer.text();
    expect(text.endsWith('\n')).toBe(true);
    expect(answer.headers.get('content-type')).toBe('application/x-ndjson');
    return text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  };

  it('gives the whole log, and says that it is whole', async () => {
    const all = await lines('');
    expect(all.slice(0, -1).map(({ sequence }) => Number(sequence))).toEqual(numbers(1, head));
    expect(all.at(-1)).toEqual({ signal: 'caught-up', token: `v1.1.${head}` });
    expect(await lines('queue=default&eventType=QueueCreated')).toHaveLength(2);
    expect(await lines('after=end')).toHaveLength(1);
  });

  it('follows', async () => {
    const answer = await fetch(`${url}?after=end&follow=true`, {
      headers: { accept: 'application/x-ndjson' },
    });
    const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
    const before = head;
    let text = '';
    const readUntil = async (part: string) => {
      while (!text.includes(part)) text += (await reader?.read())?.value ?? '';
    };
    await readUntil('caught-up');
    await write(2);
    await readUntil(`"sequence":"${String(head).padStart(19, '0')}"`);
    const events = text.split('\n').filter((line) => line.includes('specversion'));
    expect(events).toHaveLength(head - before);
    await reader?.cancel();
  });

  it('is gone for a token of another epoch', async () => {
    for (const query of ['after=v1.9.3', 'after=v1.9.3&follow=true']) {
      const answer = await fetch(`${url}?${query}`, {
        headers: { accept: 'application/x-ndjson' },
      });
      expect(answer.status).toBe(410);
      expect(await answer.json()).toMatchObject({ code: 'token-expired', reason: 'epoch' });
    }
  });
});

describe('a server that closes', () => {
  it('ends its streams, and tells when to come back', async () => {
    const own = await createTestApi();
    const source = await openEventSource(`${await own.listen()}/v1/events`);
    await source.until(isSignal('caught-up'));
    const stuck = await openEventSource(`http://127.0.0.1:${portOf(own)}/v1/events`);
    stuck.response.pause();
    // Opened ahead by clients that then have nothing to ask.
    const silent = connect(portOf(own), '127.0.0.1');
    const accepted = new Promise((resolve) => own.app.server.once('connection', resolve));
    await Promise.all([once(silent, 'connect'), accepted]);
    const closed = own.close();
    const blocks = await source.until((block) => block.retry !== undefined);
    expect(Number(blocks.at(-1)?.retry)).toBeGreaterThanOrEqual(500);
    expect(await source.next()).toBeUndefined();
    await closed;
    stuck.close();
  });
});

function portOf({ app }: TestApi): number {
  return (app.server.address() as { port: number }).port;
}
