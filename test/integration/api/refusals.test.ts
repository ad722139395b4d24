import { connect } from 'node:net';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { submitOne } from '../../support/job-steps.ts';
import { createTestApi, type TestApi } from './api-server.ts';

let api: TestApi;
let origin: string;
beforeAll(async () => {
  api = await createTestApi();
  origin = await api.listen();
});
afterAll(async () => {
  await api.close();
});

describe('a body', () => {
  it.each([
    ['half an object', '{"type":'],
    ['a bare word', 'type'],
    ['two values', '{} {}'],
    ['__proto__', '{"type":"x","__proto__":{"admin":true}}'],
    ['__proto__ inside a payload', '{"type":"x","payload":{"__proto__":{"admin":true}}}'],
    ['constructor.prototype', '{"type":"x","payload":{"constructor":{"prototype":{"a":1}}}}'],
    ['501 levels', `{"type":"x","payload":${'['.repeat(501)}${']'.repeat(501)}}`],
  ])('of %s is malformed', async (_, body) => {
    const answer = await api.post('/v1/jobs', body);
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({ code: 'malformed-request', retryable: false });
    expect({}).not.toHaveProperty('admin');
  });

  it('may be nested, and hold brackets in texts', async () => {
    const payload = JSON.stringify(`"\\${'['.repeat(2_000)}`);
    const nested = `{"type":"x","payload":[${payload},${'['.repeat(400)}${']'.repeat(400)}]}`;
    expect((await api.post('/v1/jobs', nested)).status).toBe(201);
  });

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'application/xml', 'nonsense'])(
    'of %s is refused',
    async (type) => {
      const { status, body } = await api.post('/v1/jobs', '{"type":"x"}', { 'content-type': type });
      expect(status).toBe(415);
      expect(body.code).toBe('unsupported-media-type');
    },
  );

  it.each(['utf-16', 'iso-8859-1', '"utf-16le"', ''])(
    'in the charset %s is refused',
    async (charset) => {
      const headers = { 'content-type': `application/json;  Charset=${charset}` };
      const { status, body } = await api.post('/v1/jobs', '{"type":"x"}', headers);
      expect(status).toBe(415);
      expect(body.code).toBe('unsupported-media-type');
    },
  );

  it.each([[0xff], [0xc3], [0xed, 0xa0, 0x80], [0xc0, 0x80]])(
    'that is not UTF-8 is malformed, not altered: %s',
    async (...bytes) => {
      const body = Buffer.concat([
        Buffer.from('{"type":"x","payload":"'),
        Buffer.from(bytes),
        Buffer.from('"}'),
      ]);
      const headers = { 'content-type': 'application/json' };
      const answer = await api.post('/v1/jobs', body, headers);
      expect(answer.status).toBe(400);
      expect(answer.body.code).toBe('malformed-request');
    },
  );

  it.each(['gzip', 'br', 'gzip, identity'])('in the encoding %s is refused', async (encoding) => {
    const headers = { 'content-encoding': encoding };
    const { status, body } = await api.post('/v1/jobs', '{"type":"x"}', headers);
    expect(status).toBe(415);
    expect(body.code).toBe('unsupported-media-type');
    const plain = { 'content-encoding': 'identity' };
    expect((await api.post('/v1/jobs', '{"type":"x"}', plain)).status).toBe(201);
  });

  it.each([
    ['DELETE', '/v1/workers/x'],
    ['DELETE', '/v1/subscriptions/x'],
    ['DELETE', '/v1/projections/x/rebuild'],
    ['POST', '/v1/consumers/x/pause'],
    ['POST', '/v1/consumers/x/parked/0198e0f2-6f2c-7cc3-98c1-2f5d4c1a7b11/skip'],
  ] as const)('where none is wanted is refused as documented: %s %s', async (method, path) => {
    const text = { 'content-type': 'text/plain' };
    expect((await api.ask(method, path, 'text', text)).status).toBe(415);
    const large = `"${'x'.repeat(1_048_576)}"`;
    expect((await api.ask(method, path, large)).status).toBe(413);
    expect((await api.ask(method, path)).status).toBe(404);
  });

  it('without Content-Type is refused', async () => {
    const body = Buffer.from('{"type":"x"}');
    const answer = await fetch(`${origin}/v1/jobs`, { method: 'POST', body });
    expect(answer.status).toBe(415);
  });

  it.each(['utf-8', 'UTF-8', '"utf-8"', 'utf8; x=y'])(
    'may say its charset, %s',
    async (charset) => {
      const headers = { 'content-type': `application/json; charset=${charset}` };
      const { status, body } = await api.post('/v1/jobs', '{"type":"x","payload":"ä🦀"}', headers);
      expect(status).toBe(201);
      expect((await api.get(`/v1/jobs/${body.job.id}`)).body.payload).toBe('ä🦀');
    },
  );

  it('that is too large is refused, wherever the limit is', async () => {
    const large = `{"type":"x","payload":"${'x'.repeat(1_048_576 + 65_536)}"}`;
    for (const path of ['/v1/jobs', '/v1/claims/release', '/v1/queues/default/pause']) {
      const { status, body } = await api.post(path, large);
      expect([path, status]).toEqual([path, 413]);
      expect(body.code).toBe('payload-too-large');
    }
  });
});

describe('an address', () => {
  it.each(['/', '/v1', '/v2/jobs', '/V1/jobs', '/v1/nothing', '/v1//jobs'])(
    '%s is unknown',
    async (path) => {
      const { status, body } = await api.get(path);
      expect(status).toBe(404);
      expect(body).toMatchObject({ code: 'not-found', instance: path });
    },
  );

  it('with a broken escape is malformed', async () => {
    const { status, body } = await api.get('/v1/jobs/%E0%A4%A');
    expect(status).toBe(400);
    expect(body.code).toBe('malformed-request');
  });

  it.each(['/docs/static/%00', '/docs/static/nothing', '/docs/static/..%2f..%2fpackage.json'])(
    '%s of a folder leads nowhere',
    async (path) => {
      const { status, body } = await api.get(path);
      expect([400, 404]).toContain(status);
      expect(['malformed-request', 'not-found']).toContain(body.code);
    },
  );

  it('with too long a name is refused as one with a wrong name is', async () => {
    const { status, body } = await api.ask('PUT', `/v1/subscriptions/${'a'.repeat(200)}`);
    expect(status).toBe(400);
    expect(body.errors[0].pointer).toBe('/path/name');
  });

  it('longer than any id is unknown', async () => {
    expect((await api.get(`/v1/jobs/${'a'.repeat(200)}`)).status).toBe(404);
  });

  it('shows nothing of the query in an error', async () => {
    const { body } = await api.get('/v1/nothing?secret=1');
    expect(body.instance).toBe('/v1/nothing');
  });

  it.each([
    ['PUT', '/v1/jobs', 'GET, HEAD, POST'],
    ['PUT', '/v1/jobs/x', 'GET, HEAD, PATCH'],
    ['GET', '/v1/jobs/x/cancel', 'POST'],
    ['DELETE', '/v1/queues/default', 'GET, HEAD, PATCH'],
    ['POST', '/health/live', 'GET, HEAD'],
    ['GET', '/v1/claims/complete', 'POST'],
  ] as const)('does not know %s %s', async (method, path, allow) => {
    const { status, body, headers } = await api.ask(method, path);
    expect(status).toBe(405);
    expect(headers['allow']).toBe(allow);
    expect(body.code).toBe('method-not-allowed');
  });

  it('knows HEAD wherever it knows GET', async () => {
    const { status, text } = await api.ask('HEAD', '/v1/queues');
    expect(status).toBe(200);
    expect(text).toBe('');
  });
});

describe('a request from elsewhere', () => {
  it.each([
    { host: 'evil.example' },
    { host: 'localhost.evil.example:7070' },
    { host: '127.0.0.1.nip.io' },
    { host: '192.168.1.5:7070' },
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { origin: 'http://localhost.evil.example' },
    { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors' },
    { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' },
  ] as Record<string, string>[])('is refused: %j', async (headers) => {
    for (const path of ['/v1/jobs', '/health/live', '/metrics', '/docs/', '/nowhere']) {
      const { status, body } = await api.ask('GET', path, undefined, headers);
      expect([path, status]).toEqual([path, 403]);
      expect(body.code).toBe('forbidden-host');
    }
    const written = await api.post('/v1/jobs', { type: 'x', queue: 'never' }, headers);
    expect(written.status).toBe(403);
    expect((await api.get('/v1/queues/never')).status).toBe(404);
  });

  it.each([
    { host: 'localhost' },
    { host: 'LOCALHOST:1' },
    { host: '127.0.0.1:7070' },
    { host: '[::1]:7070' },
    { origin: 'http://localhost:5173' },
    { origin: 'http://127.0.0.1:7070', 'sec-fetch-site': 'same-origin' },
    { 'sec-fetch-site': 'none' },
    { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' },
  ] as Record<string, string>[])('is served from here: %j', async (headers) => {
    expect((await api.ask('GET', '/health/live', undefined, headers)).status).toBe(200);
  });
});

describe('a request id', () => {
  it('is taken over, also into an error', async () => {
    const headers = { 'x-request-id': 'abc-123' };
    const answer = await api.ask('GET', '/nowhere', undefined, headers);
    expect(answer.headers['x-request-id']).toBe('abc-123');
    expect(answer.body.requestId).toBe('abc-123');
  });

  it.each(['', 'x'.repeat(129), 'two words', 'tab\t'])('%j is replaced', async (id) => {
    const answer = await api.ask('GET', '/health/live', undefined, { 'x-request-id': id });
    expect(answer.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
  });
});

it('never answers 500, whatever a text holds', async () => {
  const id = await submitOne(api.db);
  const texts = [
    '\u0000',
    '\uD800',
    '\uDFFF',
    '\u202E',
    '"\'\\',
    '$1; drop table',
    '%',
    '{}',
    '🦀',
  ];
  for (const text of texts) {
    const query = encodeURIComponent(text.replaceAll(/[\uD800-\uDFFF]/g, '?'));
    const answers = await Promise.all([
      api.post('/v1/jobs', { type: text }),
      api.post('/v1/jobs', { type: 'x', payload: { [text]: text }, tags: [text] }),
      api.post('/v1/jobs', { type: 'x', uniqueKey: text, correlationId: text }),
      api.post(`/v1/jobs/${id}/cancel`, { reason: text }),
      api.post('/v1/queues/default/pause', { reason: text }),
      api.post('/v1/queues/default/claim', { worker: text }),
      api.get(`/v1/jobs?tag=${query}`),
      api.get(`/v1/jobs?error=${query}`),
      api.get(`/v1/jobs?pageToken=${query}`),
      api.get(`/v1/jobs/${query}`),
      api.get(`/v1/queues/${query}`),
    ]);
    for (const { status, text: body } of answers)
      expect(status, `${text}: ${body}`).toBeLessThan(500);
  }
  expect(api.observed.filter(({ what }) => what === 'warn')).toEqual([]);
});

it('never answers 500, whatever a time or a number is', async () => {
  const id = await submitOne(api.db);
  const last = '9999-12-31T23:59:59-23:00';
  const beyond = encodeURIComponent(last);
  const answers = await Promise.all([
    api.post('/v1/jobs', { type: 'x', runAt: last }),
    api.post(`/v1/jobs/${id}/reschedule`, { runAt: last }),
    api.get(`/v1/jobs?submittedAfter=${beyond}`),
    api.get(`/v1/jobs?submittedBefore=${beyond}`),
    api.get(`/v1/jobs/${id}/logs?after=3000000000`),
    api.get(`/v1/jobs/${id}/logs?after=1e15`),
    api.get('/v1/consumers/job-status/parked?after=9223372036854775808'),
    api.get('/v1/subscriptions/any/parked?after=9999999999999999999'),
    api.get('/v1/queues?minPosition=9223372036854775808'),
  ]);
  expect(answers.map(({ status, body }) => [status, body.code])).toEqual(
    answers.map(() => [400, 'invalid-request']),
  );
  const { body } = await api.post(`/v1/jobs/${id}/reschedule`, { runAt: '9999-12-31T23:59:59Z' });
  expect(body.job.runAt).toBe('9999-12-31T23:59:59.000Z');
  expect((await api.get(`/v1/jobs/${id}/logs?after=2147483647`)).body.data).toEqual([]);
});

/** Sends bytes as they are, and gives the first of the answer. */
async function raw(text: string): Promise<string> {
  const { hostname, port } = new URL(origin);
  const socket = connect({ host: hostname, port: Number(port) });
  socket.end(text);
  const [chunk] = await once(socket, 'data');
  socket.destroy();
  return String(chunk);
}

describe('a socket', () => {
  it('that speaks no HTTP is answered with 400, and the server goes on', async () => {
    expect(await raw('nonsense\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
    expect((await fetch(`${origin}/health/live`)).status).toBe(200);
  });

  it('that names no host, or an empty one, is refused', async () => {
    expect(await raw('GET /health/live HTTP/1.1\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
    expect(await raw('GET /health/live HTTP/1.1\r\nHost:\r\n\r\n')).toMatch(/^HTTP\/1\.1 403 /);
    expect(await raw('GET /health/live HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1\.1 403 /);
  });
});
