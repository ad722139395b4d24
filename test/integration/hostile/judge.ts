import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { errorCatalogue } from '../../../src/kernel/error-catalogue.ts';
import type { ApiDocument, Operation, Schema } from './document.ts';
import { operationsOf } from './document.ts';
import type { HostileRequest } from './requests.ts';

export interface HostileAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
}

/** Says what is wrong with an answer; null for nothing. */
export type Judge = (request: HostileRequest, answer: HostileAnswer) => string | null;

/** Answers 503 that a request may bring about by itself: it asks for what has not been read yet. */
const provoked = new Set(['projection-behind']);

/** Codes of requests that no operation took. */
const atNoAddress = new Set([
  'not-found',
  'method-not-allowed',
  'malformed-request',
  'forbidden-host',
  'unsupported-media-type',
  'payload-too-large',
]);

/** Addresses that are not in the document. */
const hidden = /^\/(docs(\/.*)?|openapi\.json|asyncapi\.json|metrics)$/;

const dateTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** Holds answers against the document alone, by a validator that knows nothing of zod. */
export function createJudge(document: ApiDocument): Judge {
  const ajv = new Ajv2020({ strict: false, allErrors: false });
  ajv.addFormat('date-time', dateTime);
  ajv.addFormat('uri-reference', /^\S*$/);
  ajv.addSchema({ $id: 'document', ...document });
  const validators = new Map<string, ValidateFunction>();
  const fits = (schema: Schema, value: unknown): string | null => {
    const text = JSON.stringify(schema).replaceAll('"#/', '"document#/');
    const validate = validators.get(text) ?? ajv.compile(JSON.parse(text) as object);
    validators.set(text, validate);
    return validate(value) ? null : ajv.errorsText(validate.errors);
  };
  const operations = operationsOf(document).map((operation) => ({
    operation,
    pattern: new RegExp(`^${operation.path.replaceAll(/\{\w+\}/g, '[^/]*')}$`),
  }));

  return (request, answer) => {
    const { pathname } = new URL(request.url, 'http://localhost');
    const method = request.method === 'HEAD' ? 'GET' : request.method;
    const found = operations
      .filter(({ operation, pattern }) => operation.method === method && pattern.test(pathname))
      .toSorted((a, b) => a.operation.path.split('{').length - b.operation.path.split('{').length);
    const operation = found[0]?.operation;
    if (operation === undefined) {
      return faultOfProblem(request, answer) ?? faultAtNoAddress(pathname, answer);
    }
    // Of all errors, only "not ready" may be told in other words than a problem.
    const isProblem =
      operation.responses[answer.status]?.content?.['application/json'] === undefined;
    return (
      (isProblem ? faultOfProblem(request, answer) : null) ??
      faultOfAnswer(operation, request, answer, fits)
    );
  };
}

/** What every error must be, whatever the address. */
function faultOfProblem(request: HostileRequest, answer: HostileAnswer): string | null {
  const { status, headers, text } = answer;
  if (status < 400) return null;
  if (headers['x-request-id'] === undefined) return 'the answer has no X-Request-Id';
  if (request.method === 'HEAD')
    return status >= 500 && status !== 503 ? `answered ${status}` : null;
  if (mediaOf(answer) !== 'application/problem+json')
    return `an error as ${mediaOf(answer)}: ${text}`;
  const problem = JSON.parse(text) as Record<string, unknown>;
  const code = String(problem['code']);
  if (!Object.hasOwn(errorCatalogue, code)) return `the code ${code} is not in the catalogue`;
  if (problem['status'] !== status)
    return `answered ${status}, and says ${String(problem['status'])}`;
  if (status < 500 || (status === 503 && provoked.has(code))) return null;
  return `answered ${status}: ${text}`;
}

function faultAtNoAddress(pathname: string, { status, text }: HostileAnswer): string | null {
  if (status < 400) {
    return hidden.test(pathname) ? null : `answered ${status} at an address of no operation`;
  }
  if (text === '') return null;
  const { code } = JSON.parse(text) as { code: string };
  return atNoAddress.has(code) ? null : `answered ${code} at an address of no operation`;
}

function faultOfAnswer(
  { id, responses }: Operation,
  request: HostileRequest,
  answer: HostileAnswer,
  fits: (schema: Schema, value: unknown) => string | null,
): string | null {
  const response = responses[answer.status];
  if (response === undefined) return `${id} answers ${answer.status}, undocumented: ${answer.text}`;
  const content = response.content ?? {};
  const media = mediaOf(answer);
  if (answer.text === '') {
    const empty = Object.keys(content).length === 0 || request.method === 'HEAD';
    return empty || media === 'application/x-ndjson' ? null : `${id} answers nothing as ${media}`;
  }
  const schema = content[media]?.schema;
  if (schema === undefined) return `${id} answers ${media}, undocumented`;
  if (!media.endsWith('json') || media === 'application/x-ndjson') return null;
  const fault = fits(schema, JSON.parse(answer.text));
  return fault === null ? null : `the answer of ${id} does not fit the document: ${fault}`;
}

function mediaOf({ headers }: HostileAnswer): string {
  return String(headers['content-type']).split(';', 1)[0] ?? '';
}
