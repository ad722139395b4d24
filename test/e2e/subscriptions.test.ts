import { EventSource } from 'eventsource';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ScriptProcess, startDaybook } from '../../scripts/script-process.ts';
import { readUntil } from '../support/http.ts';
import { lastingPort } from '../support/lasting-port.ts';
import { submitMany } from '../support/job-steps.ts';
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts';

let db: TestDatabase;
let port: number;
let server: ScriptProcess;
let stopSubmitting: () => Promise<void>;
beforeEach(async () => {
  db = await createTestDatabase();
  port = await lastingPort();
  server = await start();
  stopSubmitting = keepSubmitting();
});
afterEach(async () => {
  await stopSubmitting();
  await server.stop('SIGTERM');
  await db.drop();
});

async function start(): Promise<ScriptProcess> {
  const args = ['start', '--port', String(port), '--queue', 'elsewhere'];
  const env = { DATABASE_URL: db.connectionString };
  const started = startDaybook(args, { env });
  await started.line(/listens at/);
  return started;
}

/** Submits jobs, one batch after the other, until told to stop. */
function keepSubmitting(): () => Promise<void> {
  const stopped = new AbortController();
  const submitting = (async () => {
    while (!stopped.signal.aborted) await submitMany(db, 5);
  })();
  return () => {
    stopped.abort();
    return submitting;
  };
}

/** Events that were ever written, in the log or on their way. */
async function eventsWritten(): Promise<number> {
  const { rows } = await db.database.pool.query<{ n: number }>(`
    select (select count(*) from ${db.schema}.events)::int
      + (select count(*) from ${db.schema}.event_inbox)::int as n`);
  return rows[0]?.n ?? 0;
}

/** Resolves once the server answers those who read events. */
async function isLetIn(): Promise<void> {
  await readUntil(`http://127.0.0.1:${port}/v1/events?after=start&pageSize=1`, ({ data }) =>
    Array.isArray(data),
  );
}

describe('a client that is not ours', () => {
  it.each(['SIGTERM', 'SIGKILL'] as const)(
    'gets every event once and in order, across a restart by %s',
    async (signal) => {
      const seen: number[] = [];
      const resets: unknown[] = [];
      let connections = 0;
      let source: EventSource | undefined;
      const follow = (after: string) => {
        let last = after;
        source = new EventSource(`http://127.0.0.1:${port}/v1/events?after=${after}`);
        source.addEventListener('open', () => {
          connections += 1;
        });
        source.addEventListener('message', ({ data, lastEventId }) => {
          last = lastEventId;
          seen.push(Number((JSON.parse(String(data)) as { sequence: string }).sequence));
        });
        source.addEventListener('reset', (event) => resets.push(event));
        // By the standard it gives up where it is refused, and be it for now: that the server is busy.
        source.addEventListener('error', ({ code }) => {
          if (code === 503) void isLetIn().then(() => follow(last));
        });
      };
      follow('start');
      await expect.poll(() => seen.length).toBeGreaterThan(50);
      await server.stop(signal);
      const atRestart = seen.length;
      server = await start();
      await expect.poll(() => seen.length).toBeGreaterThan(atRestart + 50);
      await stopSubmitting();
      await expect.poll(async () => seen.length - (await eventsWritten())).toBe(0);
      expect(seen).toEqual(seen.map((_, index) => index + 1));
      expect(resets).toEqual([]);
      expect(connections).toBeGreaterThanOrEqual(2);
      source?.close();
    },
  );
});
