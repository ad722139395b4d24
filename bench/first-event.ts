import pg from 'pg';
import { startServer } from './server-process.ts';

/**
 * Opens subscriptions at position 1 of a log of `events` events, one after the other, and measures from
 * the request to the first event.
 * @returns ms per subscription
 */
export async function firstEvent(
  connectionString: string,
  schema: string,
  events: number,
  subscriptions: number,
): Promise<number[]> {
  const server = await startServer(connectionString, schema);
  try {
    await fillLog(connectionString, schema, events);
    const samples: number[] = [];
    for (let n = 0; n < subscriptions; n += 1) {
      const at = performance.now();
      await readFirst(`${server.url}/v1/events?after=0`);
      samples.push(performance.now() - at);
    }
    return samples;
  } finally {
    await server.stop();
  }
}

/** Resolves when the first event has come. */
async function readFirst(url: string): Promise<void> {
  const ended = new AbortController();
  const answer = await fetch(url, {
    headers: { accept: 'text/event-stream' },
    signal: ended.signal,
  });
  const decoder = new TextDecoder();
  let text = '';
  for await (const piece of answer.body as unknown as AsyncIterable<Uint8Array>) {
    text += decoder.decode(piece, { stream: true });
    if (/^id: v1\.\d+\.1\ndata: .*\n\n/m.test(text)) break;
  }
  ended.abort();
}

/** Writes into the log past inbox and sequencer: what is measured is the reading. */
async function fillLog(connectionString: string, schema: string, events: number): Promise<void> {
  const client = new pg.Client({ connectionString, options: `-c search_path="${schema}"` });
  await client.connect();
  await client.query(`
    insert into queues (id, tenant_id, name, stream_id, version, created_at)
      values (30000, 1, 'bench', gen_random_uuid(), 1, now());
    insert into events (position, occurred_at, stream_id, version, queue_id, epoch, type, schema_version, data)
      select n, now(), gen_random_uuid(), 1, 30000, 1, 7, 1, '{"reason": null}'
      from generate_series((select position + 1 from log_head), ${events}) as n;
    update log_head set position = ${events}, tick = tick + 1`);
  await client.query('vacuum analyze');
  await client.end();
}
