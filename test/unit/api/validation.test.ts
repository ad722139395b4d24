import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { serializerCompiler, validatorCompiler } from '../../../src/api/requests/validation.ts';

const schema = z.strictObject({
  list: z.array(z.strictObject({ 'a/b': z.int() })),
  with: z.string().optional(),
});

function errorOf(data: unknown, httpPart = 'body'): unknown {
  const validate = validatorCompiler({ schema, method: 'POST', url: '/', httpPart });
  const result = validate(data) as { error?: unknown; value?: unknown };
  return result.error ?? result.value;
}

describe('the validator', () => {
  it('gives what the schema makes of the input', () => {
    expect(errorOf({ list: [{ 'a/b': 1 }] })).toEqual({ list: [{ 'a/b': 1 }] });
  });

  it('points at every wrong field, as RFC 6901 writes it', () => {
    const error = errorOf({ list: [{ 'a/b': 1 }, { 'a/b': '2', 'c~d': 3 }], more: 1, also: 2 });
    expect(error).toMatchObject({
      code: 'invalid-request',
      fields: [
        { pointer: '/list/1/a~1b', message: expect.stringContaining('expected') },
        { pointer: '/list/1/c~0d', message: 'is not a known field' },
        { pointer: '/more', message: 'is not a known field' },
        { pointer: '/also', message: 'is not a known field' },
      ],
    });
    expect((error as Error).message).toMatch(/^\/list\/1\/a~1b: .+\.$/);
  });

  it('says where parts other than the body are', () => {
    for (const [part, pointer] of [
      ['querystring', '/query/more'],
      ['params', '/path/more'],
      ['headers', '/headers/more'],
    ] as const) {
      expect(errorOf({ list: [], more: 1 }, part)).toMatchObject({ fields: [{ pointer }] });
    }
  });

  it('lists 50 wrong fields at the most', () => {
    const list = Array.from({ length: 200 }, () => ({ 'a/b': 'x' }));
    expect((errorOf({ list }) as { fields: unknown[] }).fields).toHaveLength(50);
  });
});

describe('the serializer', () => {
  const compile = (answer: z.ZodType) =>
    serializerCompiler({ schema: answer, method: 'GET', url: '/a', httpStatus: '200' });
  const write = compile(z.strictObject({ a: z.string(), b: z.int().optional() }));

  it('writes what fits', () => {
    expect(write({ a: 'x', b: undefined })).toBe('{"a":"x"}');
  });

  it.each([{ a: 1 }, {}, { a: 'x', secret: 's' }, null])('refuses %j', (answer) => {
    expect(() => write(answer)).toThrow('The answer of GET /a does not fit its schema.');
  });
});
