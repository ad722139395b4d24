import { describe, expect, it } from 'vitest';
import { errorPage, httpAnswers, problemOf } from '../../../src/api/problem.ts';
import { problemSchema } from '../../../src/api/schemas/problem.ts';
import { type ErrorCode, errorCatalogue } from '../../../src/kernel/error-catalogue.ts';
import { DaybookError } from '../../../src/kernel/errors.ts';

const codes = Object.keys(errorCatalogue) as ErrorCode[];
const answerTo = (thrown: unknown) => problemOf(thrown, 'r-1', '/v1/jobs');

describe('the table of answers', () => {
  it('has each code of the catalogue, and no other', () => {
    expect(Object.keys(httpAnswers).toSorted()).toEqual(codes.toSorted());
  });

  it('answers errors, and says when to come back only where that helps', () => {
    for (const [code, answer] of Object.entries(httpAnswers)) {
      if (answer === null) continue;
      const comesBack = answer.retryAfterS !== undefined;
      expect({ code, ok: answer.status >= 400 && answer.status <= 503 }).toEqual({
        code,
        ok: true,
      });
      if (comesBack) expect([409, 429, 503]).toContain(answer.status);
      if (answer.status === 503) expect({ code, comesBack }).toEqual({ code, comesBack: true });
    }
  });
});

describe('problemOf', () => {
  it.each(codes)('tells %s', (code) => {
    const { problem, retryAfterS } = answerTo(new DaybookError(code, 'It happened.'));
    const answer = httpAnswers[code];
    const shown = answer === null ? 'internal' : code;
    expect(problem).toMatchObject({
      type: `/docs/errors#${shown}`,
      title: errorCatalogue[shown].title,
      status: answer?.status ?? 500,
      code: shown,
      instance: '/v1/jobs',
      requestId: 'r-1',
      retryable: answer?.retryAfterS !== undefined,
    });
    expect(retryAfterS).toBe(answer?.retryAfterS);
    expect(problemSchema.parse(problem)).toEqual(problem);
  });

  it('shows fields and facts, which never take the place of a member', () => {
    const fields = [{ pointer: '/type', message: 'is wrong' }];
    const facts = { jobId: 'j', status: 'dead', code: 'x' };
    const { problem } = answerTo(new DaybookError('illegal-transition', 'No.', { fields, facts }));
    expect(problem).toMatchObject({
      detail: 'No.',
      errors: fields,
      jobId: 'j',
      status: 409,
      code: 'illegal-transition',
    });
  });

  it.each([
    new Error('select secret from users'),
    new TypeError('x is not a function'),
    'a text',
    null,
    undefined,
    Object.assign(new Error('duplicate key'), { code: '23505', detail: 'Key (id)=(1)' }),
    new DaybookError('internal', 'This should always hold: a'),
    new DaybookError('handler-timeout', 'secret'),
    Object.assign(new Error('secret'), { code: 'FST_ERR_NEW', statusCode: 500 }),
  ])('shows nothing of %s', (thrown) => {
    const { problem, unexpected } = answerTo(thrown);
    expect(problem).toMatchObject({ status: 500, code: 'internal', retryable: false, errors: [] });
    expect(problem.detail).toBe(errorCatalogue.internal.advice);
    expect(unexpected).toBe(true);
  });

  it.each([
    [{ code: 'FST_ERR_NEW', statusCode: 418 }, 400, 'malformed-request'],
    [{ statusCode: 400 }, 400, 'malformed-request'],
    [{ statusCode: 403 }, 404, 'not-found'],
    [{ statusCode: 404 }, 404, 'not-found'],
  ])('takes what a part of fastify blames on the request for that: %j', (error, status, code) => {
    const { problem, unexpected } = answerTo(Object.assign(new Error('secret'), error));
    expect(problem).toMatchObject({ status, code });
    expect(JSON.stringify(problem)).not.toContain('secret');
    expect(unexpected).toBe(false);
  });

  it('does not quote Postgres where a migration is needed', () => {
    const { problem, unexpected } = answerTo(
      new DaybookError('migration-needed', 'relation "job_claims" does not exist'),
    );
    expect(problem.status).toBe(503);
    expect(problem.detail).not.toContain('relation');
    expect(unexpected).toBe(false);
  });

  it.each([
    ['FST_ERR_CTP_INVALID_JSON_BODY', 400, 'malformed-request'],
    ['FST_ERR_CTP_INVALID_MEDIA_TYPE', 415, 'unsupported-media-type'],
    ['FST_ERR_CTP_BODY_TOO_LARGE', 413, 'payload-too-large'],
    ['FST_ERR_BAD_URL', 400, 'malformed-request'],
    ['FST_ERR_MAX_PARAM_LENGTH', 404, 'not-found'],
  ])('knows what fastify means by %s', (code, status, ours) => {
    const { problem } = answerTo(Object.assign(new Error('in fastify’s words'), { code }));
    expect(problem).toMatchObject({ status, code: ours });
    expect(problem.detail).not.toContain('fastify');
  });
});

it('leads to a page of errors', () => {
  expect(errorPage('lease-lost')).toBe('/docs/errors#lease-lost');
});
