import type { FastifyInstance } from 'fastify';
import { createHastyClock } from '../../support/hasty-clock.ts';
import { poolerOfRun, startPooler } from '../../support/pooler.ts';
import { sharedServerVariable, startTestServer } from '../../support/postgres-servers.ts';
import { createTestApi } from '../api/api-server.ts';
import type { ApiDocument } from './document.ts';
import type { HostileAnswer } from './judge.ts';
import { makeHistory } from './known-history.ts';
import type { HostileRequest } from './requests.ts';
import type { Samples } from './schema-values.ts';

/** A server with a history, on which nothing happens but what it is asked for. */
export interface HostileServer {
  readonly app: FastifyInstance;
  readonly document: ApiDocument;
  readonly samples: Samples;
  send(request: HostileRequest): Promise<HostileAnswer>;
  /** How often the database was asked for something. */
  asked(): number;
  /** The same as long as nothing is written, not even for a moment. Does not count as asking. */
  writeMark(): Promise<string>;
  /** What is written in the database: of each table the number of rows, and a sum over all of them. */
  written(): Promise<readonly unknown[]>;
  /** What went wrong unexpectedly since it was asked last. */
  defects(): readonly unknown[];
  close(): Promise<void>;
}

export async function openHostileServer(): Promise<HostileServer> {
  // A server of its own: what is written in it is written here.
  const postgres = await startTestServer(18);
  const shared = process.env[sharedServerVariable];
  process.env[sharedServerVariable] = postgres.connectionString;
  const clock = createHastyClock();
  // The pooler of the run leads to the shared server.
  const pooler =
    poolerOfRun() === undefined ? undefined : await startPooler(postgres.connectionString);
  const api = await createTestApi(
    { clock, limits: { stalledMs: 3_600_000 } },
    pooler === undefined ? {} : { pooler },
  );
  const { db, app, observed } = api;
  const { pool } = db.database;
  let asked = 0;
  pool.on('acquire', () => {
    asked += 1;
  });
  const samples = await makeHistory(api);
  const document: ApiDocument = (await app.inject('/openapi.json')).json();
  const states = `select coalesce(string_agg(format(
      'select %L as name, count(*), sum(hashtextextended(t::text, 0)) from %s t', c.oid::regclass, c.oid::regclass
    ), ' union all '), '') as text
    from pg_class c where c.relnamespace = '${db.schema}'::regnamespace and c.relkind = 'r'`;
  return {
    app,
    document,
    samples,
    send: (request) => send(app, request),
    asked: () => asked,
    async writeMark() {
      asked -= 1;
      const { rows } = await pool.query<{ mark: string }>(
        'select pg_snapshot_xmax(pg_current_snapshot())::text as mark',
      );
      return rows[0]?.mark ?? '';
    },
    async written() {
      const { rows } = await pool.query<{ text: string }>(states);
      return (await pool.query<object>(`${rows[0]?.text} order by 1`)).rows;
    },
    defects: () =>
      observed.splice(0).flatMap(({ what, with: given }) => (what === 'warn' ? [given] : [])),
    async close() {
      await api.close();
      process.env[sharedServerVariable] = shared;
      await pooler?.stop();
      await postgres.stop();
    },
  };
}

async function send(
  app: FastifyInstance,
  { method, url, headers, body }: HostileRequest,
): Promise<HostileAnswer> {
  const answer = await app.inject({
    method: method as 'GET',
    url,
    headers,
    payloadAsStream: true,
    ...(body === null ? {} : { payload: body }),
  });
  let text = '';
  // Such a stream goes on for ever: it is heard out until it has told all there is.
  const follows =
    String(answer.headers['content-type']).startsWith('text/event-stream') ||
    url.includes('follow=true');
  for await (const chunk of answer.stream()) {
    text += String(chunk);
    if (follows && /caught-up|reset/.test(text)) break;
  }
  answer.raw.res.destroy();
  return { status: answer.statusCode, headers: answer.headers, text };
}
