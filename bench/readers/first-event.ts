import pg from 'pg';
import { quantile } from '../measure/quantile.ts';
import type { Scenario } from '../scenario.ts';
import { startServer } from '../servers/daybook-server.ts';

const SUBSCRIPTIONS = 20;

/** How soon a new reader of a long log has its first event. */
export const firstEvent: Scenario = {
  name: 'first',
  title: 'Opening a subscription at the first position, to its first event',
  alone: true,
  async measure({ quick, postgres }) {
    const events = quick ? 20_000 : 1_000_000;
    const database = await postgres.makeDatabase();
    try {
      const samples = await subscribe(database.url, events);
      const name = `Daybook, a log of ${events.toLocaleString('en')} events`;
      return {
        series: [0.5, 0.99].map((q) => ({
          name,
          unit: `p${q * 100} ms`,
          values: [quantile(samples, q)],
        })),
        goals: [],
      };
    } finally {
      await database.drop();
    }
  },
};

/** One after the other. @returns ms from the request to the first event, for each */
async function subscribe(connectionString: string, events: number): Promise<number[]> {
  const server = await startServer(connectionString);
  try {
    await fillLog(connectionString, events);
    const samples: number[] = [];
    for (let n = 0; n < SUBSCRIPTIONS; n += 1) {
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
async function fillLog(connectionString: string, events: number): Promise<void> {
  const client = new pg.Client({ connectionString, options: '-c search_path=daybook' });
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
