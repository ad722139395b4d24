import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestApi, type TestApi } from '../api/api-server.ts';
import { problemSchema } from '../../../src/api/schemas/problem.ts';
import { hostileText } from '../../support/hostile-values.ts';
import { FUZZ_SEED } from '../../support/fuzz-settings.ts';
import { exchange, prod, type RawAnswer } from './raw-connection.ts';

let api: TestApi;
let origin: string;
beforeAll(async () => {
  api = await createTestApi();
  origin = await api.listen();
});
afterAll(async () => {
  await api.close();
});

const HOST = 'Host: localhost';
const JSON_TYPE = 'Content-Type: application/json';
const CLOSE = 'Connection: close';
const smuggled = '{"type":"smuggled"}';
/** A request that is to be taken for a body, or for nothing. */
const inner = request('POST /v1/jobs HTTP/1.1', HOST, JSON_TYPE, 'Content-Length: 19')(smuggled);

function request(...lines: readonly string[]): (body?: string) => string {
  return (body = '') => `${lines.join('\r\n')}\r\n\r\n${body}`;
}

function post(...lines: readonly string[]): (body?: string) => string {
  return request('POST /v1/jobs HTTP/1.1', HOST, JSON_TYPE, ...lines);
}

async function smuggledJobs(): Promise<number> {
  const { rows } = await api.db.database.pool.query<{ count: number }>(
    `select count(*)::int from ${api.db.schema}.job_types where name = 'smuggled'`,
  );
  return rows[0]?.count ?? 0;
}

function expectProblem(answer: RawAnswer | undefined, status: number, code: unknown): void {
  expect(answer).toMatchObject({
    status,
    headers: { 'content-type': expect.stringContaining('application/problem+json') },
  });
  expect(problemSchema.parse(JSON.parse(answer?.body ?? ''))).toMatchObject({
    status,
    code,
    requestId: answer?.headers['x-request-id'],
  });
}

describe('a request that two readers may cut in two places', () => {
  it.each([
    ['both lengths', post('Content-Length: 4', 'Transfer-Encoding: chunked')(`0\r\n\r\n${inner}`)],
    [
      'both, the other way round',
      post('Transfer-Encoding: chunked', 'Content-Length: 6')(`0\r\n\r\n${inner}`),
    ],
    ['two lengths', post('Content-Length: 2', 'Content-Length: 200')(`{}${inner}`)],
    ['two lengths in one', post('Content-Length: 2, 2')(`{}${inner}`)],
    ['a signed length', post('Content-Length: +2')(`{}${inner}`)],
    ['a negative length', post('Content-Length: -1')(inner)],
    ['a hexadecimal length', post('Content-Length: 0x2')(`{}${inner}`)],
    ['a length with a space', post('Content-Length: 1 2')(`{}${inner}`)],
    ['an endless length', post(`Content-Length: ${'9'.repeat(30)}`)(inner)],
    ['a space before the colon', post('Content-Length : 2')(`{}${inner}`)],
    [
      'an encoding with a space before the colon',
      post('Transfer-Encoding : chunked')(`0\r\n\r\n${inner}`),
    ],
    [
      'an encoding that is no last one',
      post('Transfer-Encoding: chunked, identity')(`0\r\n\r\n${inner}`),
    ],
    ['an encoding of a name like it', post('Transfer-Encoding: xchunked')(`0\r\n\r\n${inner}`)],
    [
      'an encoding behind a tab',
      post('Transfer-Encoding:\tchunked', 'Content-Length: 2')(`{}${inner}`),
    ],
    [
      'an encoding on a folded line',
      post('Transfer-Encoding:\r\n chunked', 'Content-Length: 2')(`{}${inner}`),
    ],
    ['a chunk of no size', post('Transfer-Encoding: chunked')(`\r\n0\r\n\r\n${inner}`)],
    ['a chunk of a signed size', post('Transfer-Encoding: chunked')(`-1\r\n${inner}`)],
    [
      'a chunk of a size beyond 64 bits',
      post('Transfer-Encoding: chunked')(`${'f'.repeat(17)}\r\n${inner}`),
    ],
    [
      'a chunk longer than its size',
      post('Transfer-Encoding: chunked')(`1\r\n{}\r\n0\r\n\r\n${inner}`),
    ],
    ['a folded header', post('X-A: b\r\n c', 'Content-Length: 2')(`{}${inner}`)],
    ['NUL in a header', post('X-A: b\u0000c', 'Content-Length: 2')(`{}${inner}`)],
    ['NUL in the name of a header', post('X-\u0000A: b', 'Content-Length: 2')(`{}${inner}`)],
    ['a header without a colon', post('Content-Length 2')(`{}${inner}`)],
    ['a header without a name', post(': 2')(inner)],
    ['a carriage return in a header', post('X-A: b\rContent-Length: 2')(`{}${inner}`)],
    ['no carriage returns', post('Content-Length: 2')(`{}${inner}`).replaceAll('\r\n', '\n')],
    ['another version', `GET /v1/jobs HTTP/9.9\r\n${HOST}\r\n\r\n${inner}`],
    ['a space in the address', `GET /v1/jobs /x HTTP/1.1\r\n${HOST}\r\n\r\n${inner}`],
    ['a method of its own', `SMUGGLE /v1/jobs HTTP/1.1\r\n${HOST}\r\n\r\n${inner}`],
    [
      'two hosts',
      request('GET /v1/queues HTTP/1.1', HOST, 'Host: evil.example', 'Connection: close')(),
    ],
  ])('is refused: %s', async (_, bytes) => {
    const answers = await exchange(origin, bytes);
    expect(answers).toHaveLength(1);
    expectProblem(answers[0], 400, 'malformed-request');
    expect(await smuggledJobs()).toBe(0);
  });
});

describe('a request', () => {
  it.each([
    ['headers', request('GET /health/live HTTP/1.1', HOST, `X-A: ${'x'.repeat(20_000)}`)()],
    ['address', request(`GET /${'x'.repeat(20_000)} HTTP/1.1`, HOST)()],
    ['number of headers', request('GET / HTTP/1.1', HOST, ...manyHeaders())()],
  ])('of too large a %s is refused', async (_, bytes) => {
    const [answer] = await exchange(origin, bytes);
    expectProblem(answer, 431, 'headers-too-large');
  });

  it('that leads elsewhere is not passed on', async () => {
    const [answer] = await exchange(origin, request('CONNECT evil.example:443 HTTP/1.1', HOST)());
    expectProblem(answer, 405, 'method-not-allowed');
  });

  it.each(['http://evil.example', 'HTTPS://evil.example:80', 'http://localhost@evil.example'])(
    'for %s is not served',
    async (foreign) => {
      const line = `GET ${foreign}/health/live HTTP/1.1`;
      const [answer] = await exchange(origin, request(line, HOST, CLOSE)());
      expectProblem(answer, 403, 'forbidden-host');
    },
  );

  it.each([
    ['that expects miracles', 'GET /health/live', ['Expect: miracles']],
    ['with an address of its own host', 'GET http://localhost/health/live', []],
    ['that wants another protocol', 'GET /health/live', ['Upgrade: h2c', 'Connection: Upgrade']],
  ])('%s is served', async (_, line, headers) => {
    const bytes = request(`${line} HTTP/1.1`, HOST, ...headers, CLOSE)();
    expect(await exchange(origin, bytes)).toMatchObject([{ status: 200 }]);
  });

  it.each([
    ['GET /docs/static/../../package.json', 404],
    ['GET /docs/static/..%2f..%2fpackage.json', 404],
    ['GET /docs/static/%00', 400],
    ['GET /docs/static/nothing', 404],
    [`GET /docs/static/${'a'.repeat(5_000)}`, 404],
    ['GET /docs/static/%zz', 400],
    ['GET /v1/queues/../../../etc/passwd', 404],
    ['GET //evil.example/v1/queues', 404],
    ['GET /v1/queues/%2e%2e', 400],
    ['OPTIONS *', 404],
    ['TRACE /', 404],
  ])('%s leads nowhere', async (line, status) => {
    const [answer] = await exchange(origin, request(`${line} HTTP/1.1`, HOST, CLOSE)());
    expectProblem(answer, status, status === 400 ? expect.any(String) : 'not-found');
  });

  it('before nonsense is never answered by what answers the nonsense', async () => {
    const follow = request('GET /v1/events HTTP/1.1', HOST, 'Accept: text/event-stream')();
    const [stream] = await exchange(origin, follow, 'nonsense');
    expect(stream).toMatchObject({ status: 200 });
    expect(stream?.body).not.toContain('HTTP/1.1');
    expect(await exchange(origin, `${post('Content-Length: 2')('{}')}nonsense`)).toEqual([]);
    expect(await exchange(origin, `GET /v1/jobs\r\n${HOST}\r\n\r\n${inner}`)).toEqual([]);
    expect(await smuggledJobs()).toBe(0);
  });
});

it('of any bytes is answered in HTTP, or not at all', async () => {
  const line = fc.tuple(
    fc.constantFrom('GET', 'POST', 'HEAD', 'PATCH', 'QUERY', 'get', ''),
    fc.oneof(fc.constantFrom('/v1/jobs', '/health/live', '/docs/static/x', '*', '/'), hostileText),
    fc.constantFrom('HTTP/1.1', 'HTTP/1.0', 'HTTP/2.0', ''),
  );
  const header = fc.oneof(
    fc.constantFrom(HOST, JSON_TYPE, CLOSE, 'Content-Length: 2', 'Transfer-Encoding: chunked'),
    fc.tuple(hostileText, hostileText).map((parts) => parts.join(': ')),
    fc
      .tuple(fc.constantFrom('Accept', 'X-Actor', 'Expect', 'Range', 'Cookie'), hostileText)
      .map((parts) => parts.join(': ')),
  );
  const bytes = fc
    .record({
      line: line.map((parts) => parts.join(' ')),
      headers: fc.array(header, { maxLength: 5 }),
      host: fc.constantFrom(HOST, HOST, 'Host: evil'),
      end: fc.constantFrom('\r\n\r\n', '\r\n\r\n', '\n\n', ''),
      body: fc.oneof(fc.constantFrom('', '{}', '2\r\n{}\r\n0\r\n\r\n'), hostileText),
    })
    .map(({ line: first, headers, host, end, body }) =>
      Buffer.from(`${[first, host, ...headers].join('\r\n')}${end}${body}`),
    );
  const property = fc.asyncProperty(bytes, async (sent) => {
    for (const { status, headers } of await prod(origin, sent)) {
      expect(status).toBeLessThan(500);
      if (status >= 400) expect(headers['content-type']).toContain('application/problem+json');
    }
  });
  await fc.assert(property, { seed: FUZZ_SEED, numRuns: 150 });
  expect(api.observed.filter(({ what }) => what === 'warn')).toEqual([]);
});

function manyHeaders(): string[] {
  return Array.from({ length: 3_000 }, (_, index) => `X-${index}: ${index}`);
}
