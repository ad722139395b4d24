import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { errorCatalogue } from '../../../src/kernel/error-catalogue.ts';
import { createTestApi, type TestApi } from './api-server.ts';

interface Parameter {
  readonly in: string;
  readonly name: string;
  readonly required?: boolean;
  readonly schema: unknown;
}

interface Operation {
  readonly operationId?: string;
  readonly summary?: string;
  readonly tags?: readonly string[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: {
    readonly required: boolean;
    readonly content: Readonly<Record<string, { schema?: unknown; example?: unknown }>>;
  };
  readonly responses: Readonly<
    Record<string, { description?: string; content?: Record<string, { schema?: unknown }> }>
  >;
}

let api: TestApi;
// oxlint-disable-next-line typescript/no-explicit-any -- a document is walked by its own words
let document: any;
let operations: { readonly at: string; readonly path: string; readonly operation: Operation }[];
beforeAll(async () => {
  api = await createTestApi();
  document = (await api.get('/openapi.json')).body;
  operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods as Record<string, Operation>).map(([method, operation]) => ({
      at: `${method.toUpperCase()} ${path}`,
      path,
      operation,
    })),
  );
});
afterAll(async () => {
  await api.close();
});

/** Every object in the document, with the way to it. */
function nodes(node: unknown, at = '#'): [string, Record<string, unknown>][] {
  if (typeof node !== 'object' || node === null) return [];
  const below = Object.entries(node).flatMap(([key, value]) => nodes(value, `${at}/${key}`));
  return [[at, node as Record<string, unknown>], ...below];
}

/** What a reference such as `#/components/schemas/Job` leads to. */
function target(ref: string): unknown {
  const [root, ...keys] = ref.split('/');
  expect(root).toBe('#');
  return keys.reduce((node: unknown, key) => (node as Record<string, unknown>)?.[key], document);
}

describe('the OpenAPI document', () => {
  it('is OpenAPI 3.1 with the version of this build', () => {
    expect(document.openapi).toMatch(/^3\.1\.\d$/);
    expect(document.info).toMatchObject({ title: 'Daybook', version: '0.0.0-test' });
  });

  it('has every operation, and only those', async () => {
    const all = operations.map(({ at }) => at).toSorted();
    await expect(`${all.join('\n')}\n`).toMatchFileSnapshot('../../golden/operations.txt');
  });

  it('names each operation once, and says what it does', () => {
    const ids = operations.map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(operations.length);
    const tags = document.tags.map(({ name }: { name: string }) => name);
    for (const { at, operation } of operations) {
      expect({ at, ...operation }).toMatchObject({
        at,
        operationId: expect.stringMatching(/^[a-z][A-Za-z]+$/),
        summary: expect.any(String),
      });
      expect(tags).toContain(operation.tags?.[0]);
    }
  });

  it('leads every reference to a schema, and uses every schema', () => {
    const refs = nodes(document).flatMap(([, { $ref }]) =>
      typeof $ref === 'string' ? [$ref] : [],
    );
    expect(refs.length).toBeGreaterThan(100);
    expect(refs.filter((ref) => typeof target(ref) !== 'object')).toEqual([]);
    const used = new Set(refs.map((ref) => ref.split('/').at(-1)));
    expect(Object.keys(document.components.schemas).filter((name) => !used.has(name))).toEqual([]);
  });

  it('describes every path parameter, and no other', () => {
    for (const { at, path, operation } of operations) {
      const wanted = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      const given = (operation.parameters ?? []).filter((parameter) => parameter.in === 'path');
      expect([at, ...given]).toEqual([
        at,
        ...wanted.map((name) =>
          expect.objectContaining({ name, required: true, schema: expect.any(Object) }),
        ),
      ]);
    }
  });

  it('has a schema for every body, and closes every object of a request', () => {
    for (const { at, operation } of operations) {
      if (operation.requestBody === undefined) continue;
      const media = operation.requestBody.content['application/json'];
      expect([at, media?.schema]).toEqual([at, expect.any(Object)]);
    }
    for (const [name, schema] of Object.entries(document.components.schemas)) {
      if (!name.endsWith('Input')) continue;
      for (const [at, node] of nodes(schema, name)) {
        if (node['type'] !== 'object' || node['properties'] === undefined) continue;
        expect([at, node['additionalProperties']]).toEqual([at, false]);
      }
    }
  });

  it('knows which bodies may be left out', () => {
    const optionals = [
      'beatWorker',
      'cancelJob',
      'pauseQueue',
      'putSubscription',
      'replayParkedDeliveries',
      'resumeQueue',
      'retryJob',
      'skipParkedDeliveries',
      'verify',
    ];
    const optional = operations
      .filter(({ operation }) => operation.requestBody?.required === false)
      .map(({ operation }) => operation.operationId);
    expect(optional).toEqual(expect.arrayContaining(optionals));
    expect(optional).toHaveLength(optionals.length);
  });

  it('documents every error as a problem, by the codes it may have', () => {
    const codes = Object.keys(errorCatalogue);
    for (const { at, operation } of operations) {
      const failures = Object.entries(operation.responses).filter(([status]) => status >= '400');
      expect(failures.length).toBeGreaterThanOrEqual(4);
      for (const [status, { content, description }] of failures) {
        if (at === 'GET /health/ready' && status === '503') continue;
        expect([at, ...Object.keys(content ?? {})]).toEqual([at, 'application/problem+json']);
        expect(content?.['application/problem+json']?.schema).toEqual({
          $ref: '#/components/schemas/Problem',
        });
        for (const code of description?.split(', ') ?? []) expect(codes).toContain(code);
      }
    }
  });

  it('has examples that the server takes', async () => {
    const shown = operations.flatMap(({ at, path, operation }) => {
      const example = operation.requestBody?.content['application/json']?.example;
      return example === undefined ? [] : [{ at, path, example }];
    });
    expect(shown.map(({ at }) => at)).toContain('POST /v1/jobs');
    const { body } = await api.post('/v1/jobs', { type: 'x', queue: 'emails', priority: 9 });
    const put = shown.find(({ at }) => at === 'PUT /v1/subscriptions/{name}');
    await api.ask('PUT', '/v1/subscriptions/example', put?.example);
    for (const { at, path, example } of shown) {
      const [method = 'GET'] = at.split(' ');
      const url = path
        .replace('{id}', body.job.id)
        .replace('{queue}', 'empty')
        .replace('{name}', 'example');
      await api.post('/v1/jobs', { type: 'x', queue: 'empty', delayMs: 60_000 });
      const quick = /\/(claim|receive)$/.test(path)
        ? { ...(example as object), waitMs: 0 }
        : example;
      const answer = await api.ask(method as 'POST', url, quick);
      expect([at, Math.floor(answer.status / 100)]).toEqual([at, 2]);
    }
  });

  it('is the same every time', async () => {
    expect((await api.get('/openapi.json')).body).toEqual(document);
  });
});

describe('/docs', () => {
  it('shows the document, and needs nothing from elsewhere', async () => {
    const page = await api.get('/docs/');
    expect(page.status).toBe(200);
    expect(page.headers['content-type']).toContain('text/html');
    expect(page.text).not.toMatch(/(src|href)="(https?:)?\/\//);
    const [, script] = /src="\.\/(static\/swagger-ui-bundle\.js)"/.exec(page.text) ?? [];
    expect((await api.get(`/docs/${script}`)).status).toBe(200);
    expect((await api.get('/docs/static/swagger-initializer.js')).text).toContain('/openapi.json');
  });

  it('has a page for the type of every problem', async () => {
    const { body } = await api.get('/nowhere');
    const [path, code] = body.type.split('#');
    const page = await api.get(path);
    expect(page.status).toBe(200);
    expect(page.text).toContain(`id="${code}"`);
    for (const each of Object.keys(errorCatalogue)) expect(page.text).toContain(`id="${each}"`);
  });
});
