import { createServer, type Server, type ServerResponse } from 'node:http';
import { lastValueFrom, take, toArray } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Client, createClient, type ReceivedEvent } from '../../../src/client/client.ts';
import { submitMany } from '../../support/job-steps.ts';
import { sequenceAll } from '../../support/log-steps.ts';
import { createTestApi, type TestApi } from '../api/api-server.ts';
import { numbers } from './subscribing.ts';

let api: TestApi;
let url: string;
let client: Client;

async function write(count: number, queue = 'default'): Promise<void> {
  await submitMany(api.db, count, { queue });
  await sequenceAll(api.db.database);
  api.db.wakeUp.hintHere('log');
}

beforeAll(async () => {
  api = await createTestApi();
  await api.startReaders();
  url = await api.listen();
  client = createClient({ url: `${url}/`, random: () => 0 });
  await write(10);
});
afterAll(() => api.close());

const positionOf = ({ event }: ReceivedEvent) => Number(event.sequence);

async function collect(
  count: number,
  events: AsyncIterable<ReceivedEvent>,
): Promise<ReceivedEvent[]> {
  const found: ReceivedEvent[] = [];
  for await (const received of events) {
    found.push(received);
    if (found.length === count) break;
  }
  return found;
}

describe('the client', () => {
  it('submits, gets and lists', async () => {
    const { job, token } = await client.submit(
      { type: 'mail', queue: 'client', payload: { to: 'ada' } },
      { actor: 'ada', idempotencyKey: 'one' },
    );
    expect(
      (
        await client.submit(
          { type: 'mail', queue: 'client', payload: { to: 'ada' } },
          { idempotencyKey: 'one' },
        )
      ).job.id,
    ).toBe(job.id);
    expect(await client.get(job.id)).toMatchObject({ state: 'ready', payload: { to: 'ada' } });
    expect(await client.get('no-such-job')).toBeNull();
    const page = await client.list({ queue: 'client', after: token });
    expect(page.data.map(({ id }) => id)).toEqual([job.id]);
  });

  it('throws what the server says', async () => {
    await expect(client.submit({ type: 'NO NAME' })).rejects.toMatchObject({
      name: 'RequestFailed',
      status: 400,
      code: 'invalid-request',
      retryable: false,
    });
  });

  it('reads the log from anywhere, and filters', async () => {
    const events = await collect(11, client.events({ after: 'start' }));
    expect(events.map(positionOf)).toEqual(numbers(1, 11));
    expect(events[0]?.event.type).toBe('dev.daybook.queue.created.v1');
    const rest = await collect(3, client.events({ after: events[4]?.token }));
    expect(rest.map(positionOf)).toEqual([6, 7, 8]);
    const filter = { queues: ['client'], eventTypes: ['JobSubmitted' as const] };
    const [only] = await collect(1, client.events({ after: 'start', filter }));
    expect(only?.event).toMatchObject({ queue: 'client', authid: 'ada' });
  });

  it('is an Observable, too', async () => {
    const stream = client.events$({ after: 'start' }).pipe(take(3), toArray());
    expect((await lastValueFrom(stream)).map(positionOf)).toEqual([1, 2, 3]);
  });

  it('throws on a reset, or goes on where it is told to', async () => {
    await expect(collect(1, client.events({ after: 'v1.9.4' }))).rejects.toMatchObject({
      status: 410,
      code: 'token-expired',
      problem: { reason: 'epoch', token: 'v1.1.0' },
    });
    const resets: unknown[] = [];
    const onReset = (reset: { token: string }) => {
      resets.push(reset);
      return reset.token;
    };
    const events = await collect(2, client.events({ after: 'v1.9.4', onReset }));
    expect(events.map(positionOf)).toEqual([1, 2]);
    expect(resets).toEqual([{ token: 'v1.1.0', reason: 'epoch' }]);
  });

  it.each(['v1.1.999999', 'nonsense'])('gives up where the server refuses %s', async (after) => {
    await expect(collect(1, client.events({ after }))).rejects.toMatchObject({ status: 400 });
  });

  it('passes on what a function of the caller throws', async () => {
    const onCaughtUp = () => {
      throw new Error('mine');
    };
    await expect(collect(1, client.events({ onCaughtUp }))).rejects.toThrow('mine');
  });
});

describe('a connection that breaks again and again', () => {
  let proxy: Server;
  let connections = 0;
  /** Cuts every answer after so many bytes, in the middle of an event as likely as not. */
  const CUT = 3_000;
  async function passOn(path: string, response: ServerResponse): Promise<void> {
    const answer = await fetch(`${url}${path}`, { headers: { accept: 'text/event-stream' } });
    response.writeHead(answer.status, { 'content-type': 'text/event-stream' });
    let left = CUT;
    for await (const piece of answer.body as unknown as AsyncIterable<Uint8Array>) {
      response.write(piece.subarray(0, left));
      left -= piece.length;
      if (left <= 0) break;
    }
    setImmediate(() => response.destroy());
  }
  beforeAll(async () => {
    proxy = createServer((request, response) => {
      connections += 1;
      if (connections % 4 === 0) response.writeHead(503).end('a proxy says no');
      else void passOn(request.url ?? '', response);
    });
    await new Promise<void>((resolve) => {
      proxy.listen(0, '127.0.0.1', resolve);
    });
  });
  afterAll(() => {
    proxy.closeAllConnections();
    proxy.close();
  });

  it('costs no event, and brings none twice', async () => {
    const { port } = proxy.address() as { port: number };
    await write(40);
    const lost: unknown[] = [];
    // Without pauses: the server asks for 2 s, which this test does not want to wait.
    const impatient = createClient({ url: `http://127.0.0.1:${port}`, random: () => -1 });
    const events = await collect(
      50,
      impatient.events({ after: 'start', onLost: (error) => lost.push(error) }),
    );
    expect(events.map(positionOf)).toEqual(numbers(1, 50));
    expect(connections).toBeGreaterThan(5);
    expect(lost.length).toBeGreaterThan(5);
  });
});
