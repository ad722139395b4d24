import fc from 'fast-check';
import type { ApiDocument, Operation, Parameter } from './document.ts';
import { brokenBody, hostileText, hostileValue } from '../../support/hostile-values.ts';
import { nearly } from './near-values.ts';
import { type Samples, someOf, valuesOf } from './schema-values.ts';

/** A request as it goes over the wire; prints as what one would type to send it again. */
export interface HostileRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | null;
}

/** How far from what the document asks for. */
export type Manner = 'valid' | 'near' | 'wild';

type Pairs = readonly (readonly [name: string, value: string])[];

/** Requests for an operation. */
export function requestsFor(
  document: ApiDocument,
  samples: Samples,
  operation: Operation,
  manner: Manner,
): fc.Arbitrary<HostileRequest> {
  const { parameters, body } = operation;
  const value = (parameter: Parameter) =>
    valuesOf(document, samples, parameter.schema, meaning(operation, parameter)).map(asText);
  const valid = fc.record({
    path: fc.record(recordOf(parameters, 'path', value)),
    query: someOf(recordOf(parameters, 'query', value)).map(pairsOf),
    headers: someOf(recordOf(parameters, 'header', value)),
    body: body === null ? fc.constant(undefined) : valuesOf(document, samples, body, 'body'),
  });
  const built = (parts: Parts) => build(operation, parts);
  if (manner === 'valid') return valid.map(built).map(printable);
  const faulty = manner === 'near' ? nearParts(operation, valid) : wildParts(operation, valid);
  return faulty.map(built).map(printable);
}

interface Parts {
  readonly path: Readonly<Record<string, string>>;
  readonly query: Pairs;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
  readonly method?: string;
  /** Instead of `body`, as it is. */
  readonly bytes?: Buffer;
}

/** What names of fields do not tell: whose name is meant. */
function meaning({ path }: Operation, { name }: Parameter): string {
  if (name !== 'name') return name;
  return path.startsWith('/v1/subscriptions') ? 'subscription' : 'consumer';
}

/** One part is nearly right, and the others are right. */
function nearParts(operation: Operation, valid: fc.Arbitrary<Parts>): fc.Arbitrary<Parts> {
  const names = operation.parameters.map(({ name }) => name);
  const inPath = operation.parameters.filter((parameter) => parameter.in === 'path');
  const query = fc
    .tuple(valid, fc.constantFrom(...names, 'extra', '__proto__'), hostileText)
    .map(([parts, name, text]) => ({
      ...parts,
      query: [...parts.query.filter(([each]) => each !== name), [name, text] as const],
    }));
  const body = fc
    .tuple(valid, nearly(valid.map((parts) => parts.body)))
    .map(([parts, value]) => ({ ...parts, body: value }));
  const path = fc
    .tuple(valid, fc.nat(), hostileText)
    .map(([parts, at, text]) => ({ ...parts, path: replaced(parts.path, at, text) }));
  const headers = fc
    .tuple(valid, oddHeaders)
    .map(([parts, more]) => ({ ...parts, headers: { ...parts.headers, ...more } }));
  return fc.oneof(
    { weight: 2, arbitrary: query },
    { weight: 1, arbitrary: headers },
    ...(operation.body === null ? [] : [{ weight: 6, arbitrary: body }]),
    ...(inPath.length === 0 ? [] : [{ weight: 2, arbitrary: path }]),
  );
}

/** Nothing need be right but, mostly, the address. */
function wildParts(operation: Operation, valid: fc.Arbitrary<Parts>): fc.Arbitrary<Parts> {
  const names = operation.parameters.map(({ name }) => name);
  const name = fc.oneof(fc.constantFrom(...names, 'x'), hostileText);
  return fc
    .record({
      valid,
      text: hostileText,
      at: fc.nat(),
      keepPath: fc.boolean(),
      query: fc.array(fc.tuple(name, hostileText), { maxLength: 4 }),
      headers: oddHeaders,
      body: fc.oneof(fc.constant(undefined), hostileValue),
      bytes: fc.option(brokenBody, { nil: undefined }),
      method: fc.oneof(
        { weight: 9, arbitrary: fc.constant(operation.method) },
        {
          weight: 1,
          arbitrary: fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS'),
        },
      ),
    })
    .map(({ valid: { path }, text, at, keepPath, bytes, ...rest }) => ({
      ...rest,
      path: keepPath ? path : replaced(path, at, text),
      ...(bytes === undefined ? {} : { bytes }),
    }));
}

/** As Node hands them on: without NUL and line breaks, which its parser refuses. */
const headerText = hostileText.map((text) => text.replaceAll(/[^\t\x20-\x7e\x80-\xff]/g, '?'));

const oddHeaders: fc.Arbitrary<Record<string, string>> = fc.record(
  {
    'content-type': fc.oneof(
      { weight: 3, arbitrary: fc.constant('application/json') },
      fc.constantFrom(
        'application/json; charset=utf-8',
        'application/json;charset=utf-16',
        'application/json; charset="',
        'application/problem+json',
        'APPLICATION/JSON',
        'application/json, text/plain',
        'application/jsonx',
        'text/plain',
        'multipart/form-data; boundary=x',
        'application/x-www-form-urlencoded',
        '*/*',
        ';',
      ),
      headerText,
    ),
    accept: fc.oneof(
      fc.constantFrom(
        'application/x-ndjson',
        'text/event-stream',
        'text/html, */*;q=0.1',
        'application/x-ndjson;q=NaN, text/event-stream;q=1e9',
        '*/*;;q',
      ),
      headerText,
    ),
    'x-actor': headerText,
    'x-request-id': headerText,
    'idempotency-key': headerText,
    'last-event-id': headerText,
    'content-encoding': fc.constantFrom('gzip', 'br', 'identity'),
    'x-http-method-override': fc.constantFrom('DELETE', 'GET'),
    'accept-version': headerText,
    traceparent: headerText,
    cookie: headerText,
    'x-forwarded-host': headerText,
    'content-length': fc.constantFrom('0', '-1', '1e9', '99999999999', '5'),
    __proto__x: headerText,
  },
  { requiredKeys: [] },
);

function build({ path, method }: Operation, parts: Parts): HostileRequest {
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    escaped(parts.path[name] ?? ''),
  );
  const query = parts.query.map(([name, value]) => `${escaped(name)}=${escaped(value)}`).join('&');
  const json = parts.body === undefined ? undefined : JSON.stringify(parts.body);
  const body = parts.bytes ?? (json === undefined ? null : Buffer.from(json));
  return {
    method: parts.method ?? method,
    url: query === '' ? filled : `${filled}?${query}`,
    headers: {
      ...(body === null ? {} : { 'content-type': 'application/json' }),
      ...Object.fromEntries(
        Object.entries(parts.headers).filter(([, value]) => value !== undefined),
      ),
    },
    body,
  };
}

/** Percent-encodes what must be, also halves of pairs, which `encodeURIComponent` refuses. */
function escaped(text: string): string {
  return encodeURIComponent(Buffer.from(text).toString());
}

function recordOf<Value>(
  parameters: readonly Parameter[],
  place: Parameter['in'],
  valueOf: (parameter: Parameter) => Value,
): Record<string, Value> {
  const there = parameters.filter((parameter) => parameter.in === place);
  return Object.fromEntries(there.map((parameter) => [parameter.name, valueOf(parameter)]));
}

function pairsOf(query: object): Pairs {
  return Object.entries(query).map(([name, value]) => [name, String(value)]);
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function replaced(path: Parts['path'], at: number, text: string): Parts['path'] {
  const names = Object.keys(path);
  const name = names[at % Math.max(names.length, 1)];
  return name === undefined ? path : { ...path, [name]: text };
}

/** Shows itself so in the report of a failure. */
function printable(request: HostileRequest): HostileRequest {
  const { method, url, headers, body } = request;
  const shown = `${method} ${url} ${JSON.stringify(headers)} ${JSON.stringify(body?.toString('latin1') ?? null)}`;
  return Object.defineProperty({ ...request }, fc.toStringMethod, { value: () => shown });
}
