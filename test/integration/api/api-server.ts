import type { AddressInfo } from 'node:net';
import type { FastifyInstance, LightMyRequestResponse } from 'fastify';
import { expect } from 'vitest';
import type { ApiDependencies } from '../../../src/api/dependencies.ts';
import { problemSchema } from '../../../src/api/schemas/problem.ts';
import { createServer } from '../../../src/api/server.ts';
import { PATIENCE_MS } from '../../support/patience.ts';
import { prepareReadModels } from '../../support/read-models.ts';
import { createConsumerControl } from '../../../src/consumers/consumer-control.ts';
import { createProjector } from '../../../src/consumers/projector.ts';
import type { LogTail } from '../../../src/consumers/tail/log-tail.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import type { Observer } from '../../../src/kernel/observer.ts';
import { projections } from '../../../src/projections/registry.ts';
import {
  createTestDatabase,
  newId,
  type TestDatabase,
  type TestDatabaseOptions,
} from '../../support/test-database.ts';

/** An answer, as JSON where it is JSON. */
export interface ApiAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | number | undefined>>;
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into whatever came
  readonly body: any;
  readonly text: string;
}

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE' | 'PUT' | 'HEAD';

export interface TestApi {
  readonly db: TestDatabase;
  readonly app: FastifyInstance;
  /** What the observer was told, by the names of its methods. */
  readonly observed: { readonly what: string; readonly with: readonly unknown[] }[];
  /** Asks without a socket. Every answer is held against the OpenAPI document. */
  ask(
    method: Method,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<ApiAnswer>;
  get(path: string): Promise<ApiAnswer>;
  post(path: string, body?: unknown, headers?: Record<string, string>): Promise<ApiAnswer>;
  /** Listens on a free port; answers `http://127.0.0.1:<port>`. */
  listen(): Promise<string>;
  /** Starts sequencer and projector; without, nothing gets a position, and lists do not catch up. */
  startReaders(): Promise<void>;
  close(): Promise<void>;
}

/**
 * A server on a database of its own. Whoever calls it calls `close`, in `afterAll` or so.
 * @param tailOf makes the tail that it reads from, instead of the usual one
 */
export async function createTestApi(
  options: Partial<ApiDependencies> = {},
  databaseOptions: TestDatabaseOptions = {},
  tailOf?: (db: TestDatabase) => LogTail,
): Promise<TestApi> {
  const db = await createTestDatabase(databaseOptions);
  await prepareReadModels(db.database);
  const observed: TestApi['observed'] = [];
  const context = { ...db.context, observer: recording(observed), ...options.context };
  const app = createServer({
    context,
    consumers: createConsumerControl(db.database, db.wakeUp, projections),
    metricsText: () => Promise.resolve('daybook_up 1\n'),
    version: '0.0.0-test',
    instance: 'test',
    isDraining: () => false,
    ...(tailOf === undefined ? {} : { tail: tailOf(db) }),
    ...options,
    // No request is turned away because the machine is slow.
    limits: { queueMs: PATIENCE_MS, ...options.limits },
  });
  const document: OpenApiDocument = (await app.inject('/openapi.json')).json();
  const closings: (() => Promise<unknown>)[] = [() => app.close()];
  let hasReaders = false;
  const askOnce: TestApi['ask'] = async (method, path, body, headers = {}) => {
    const isText = typeof body === 'string';
    const answer = await app.inject({
      method,
      url: path,
      headers: { ...(isText ? { 'content-type': 'application/json' } : {}), ...headers },
      ...(body === undefined ? {} : { payload: body as object }),
    });
    return checked(document, method, path, {
      status: answer.statusCode,
      headers: answer.headers,
      text: answer.body,
      body: isJson(answer) ? answer.json() : answer.body,
    });
  };
  // Lists wait for a second. Readers get there, on a machine that is busy later: as the answer says.
  const ask: TestApi['ask'] = async (...asked) => {
    const isBehind = ({ body }: ApiAnswer) => hasReaders && body?.code === 'projection-behind';
    for (let left = 60; ; left -= 1) {
      const answer = await askOnce(...asked);
      if (left === 0 || !isBehind(answer)) return answer;
    }
  };
  return {
    db,
    app,
    observed,
    ask,
    get: (path) => ask('GET', path),
    post: (path, body, headers) => ask('POST', path, body, headers),
    async listen() {
      await app.listen({ host: '127.0.0.1', port: 0 });
      return `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
    },
    async startReaders() {
      await db.startSequencer();
      const { database, wakeUp } = db;
      const common = { observer: context.observer, clock: systemClock, random: Math.random };
      const projector = createProjector({
        ...common,
        database,
        wakeUp,
        holder: newId(),
        consumers: projections,
      });
      await projector.start();
      hasReaders = true;
      closings.push(() => projector.stop());
    },
    async close() {
      for (const close of closings) await close();
      await db.drop();
    },
  };
}

function isJson({ body, headers }: LightMyRequestResponse): boolean {
  return body !== '' && /json/.test(String(headers['content-type']));
}

function recording(observed: TestApi['observed']): Observer {
  return new Proxy({} as Observer, {
    get:
      (_, what: string) =>
      (...given: unknown[]) =>
        void observed.push({ what, with: given }),
  });
}

interface Documented {
  readonly operationId: string;
  readonly responses: Readonly<Record<string, { readonly content?: Record<string, unknown> }>>;
}

export interface OpenApiDocument {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Documented>>>>;
}

/** That the status and the content type are in the document; bodies are checked by the serializer. */
function checked(
  document: OpenApiDocument,
  method: string,
  path: string,
  answer: ApiAnswer,
): ApiAnswer {
  const [contentType] = String(answer.headers['content-type']).split(';');
  if (answer.status >= 400 && answer.body?.code !== undefined) {
    expect(contentType).toBe('application/problem+json');
    expect(problemSchema.parse(answer.body)).toMatchObject({
      status: answer.status,
      requestId: answer.headers['x-request-id'],
    });
  }
  const operation = documented(document, method, path);
  if (operation === undefined) return answer;
  const response = operation.responses[answer.status];
  expect(response, `${method} ${path} answers ${answer.status}, undocumented`).toBeDefined();
  const types = Object.keys(response?.content ?? {});
  if (answer.text !== '') expect(types, `${method} ${path}`).toContain(contentType);
  return answer;
}

function documented(
  document: OpenApiDocument,
  method: string,
  path: string,
): Documented | undefined {
  const [bare = ''] = path.split('?');
  const found = Object.entries(document.paths).filter(([template]) =>
    new RegExp(`^${template.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(bare),
  );
  // `/v1/jobs/batch` also fits `/v1/jobs/{id}`: the more literal one is meant.
  const [best] = found.toSorted(([a], [b]) => a.split('{').length - b.split('{').length);
  return best?.[1][method.toLowerCase()];
}
