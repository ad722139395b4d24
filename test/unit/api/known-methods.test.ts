import fastify from 'fastify';
import { describe, expect, it } from 'vitest';
import { noRoute, watchMethods } from '../../../src/api/refusals/known-methods.ts';

describe('watchMethods', () => {
  it('knows the methods of an address, whatever its parameters are', async () => {
    const app = fastify();
    const methodsOf = watchMethods(app);
    const handler = () => Promise.resolve('');
    app.get('/jobs/:id', handler);
    app.route({ method: ['PATCH', 'DELETE'], url: '/jobs/:id', handler });
    app.post('/jobs/batch', handler);
    app.get('/openapi.json', handler);
    app.get('/static/*', handler);
    await app.ready();
    expect(methodsOf('/jobs/1')).toEqual(['DELETE', 'GET', 'HEAD', 'PATCH']);
    expect(methodsOf('/jobs/batch')).toEqual(['DELETE', 'GET', 'HEAD', 'PATCH', 'POST']);
    expect(methodsOf('/openapi.json')).toEqual(['GET', 'HEAD']);
    expect(methodsOf('/openapiXjson')).toEqual([]);
    expect(methodsOf('/static/a/b.js')).toEqual(['GET', 'HEAD']);
    expect(methodsOf('/jobs')).toEqual([]);
    expect(methodsOf('/jobs/1/2')).toEqual([]);
    await app.close();
  });
});

describe('noRoute', () => {
  it('tells an unknown address from an unknown method', () => {
    expect(noRoute('GET', '/a', []).code).toBe('not-found');
    expect(noRoute('PUT', '/a', ['GET'])).toMatchObject({
      code: 'method-not-allowed',
      message: '/a does not know PUT.',
    });
  });
});
