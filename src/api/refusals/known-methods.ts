import type { FastifyInstance } from 'fastify';
import { DaybookError } from '../../kernel/errors.ts';

/**
 * Tells an address that is unknown from one that is known by other methods. Call it before routes
 * are added; the answer is only for requests that no route took.
 */
export function watchMethods(app: FastifyInstance): (path: string) => readonly string[] {
  const known = new Map<string, { readonly pattern: RegExp; readonly methods: Set<string> }>();
  app.addHook('onRoute', ({ url, method }) => {
    const entry = known.get(url) ?? { pattern: patternOf(url), methods: new Set() };
    for (const each of [method].flat()) entry.methods.add(each);
    known.set(url, entry);
  });
  return (path) => {
    const methods = [...known.values()].flatMap((entry) =>
      entry.pattern.test(path) ? [...entry.methods] : [],
    );
    return [...new Set(methods)].toSorted();
  };
}

/** The error for a request that no route took. */
export function noRoute(method: string, path: string, allowed: readonly string[]): DaybookError {
  return allowed.length === 0
    ? new DaybookError('not-found', 'There is nothing at this address.')
    : new DaybookError('method-not-allowed', `${path} does not know ${method}.`);
}

/** `/v1/jobs/:id` as a pattern of whole paths. */
function patternOf(url: string): RegExp {
  const source = url
    .split('/')
    .map((part) => {
      if (part === '*') return '.*';
      return part.startsWith(':') ? '[^/]+' : part.replaceAll(/[^\w-]/g, '\\$&');
    })
    .join('/');
  return new RegExp(`^${source}$`);
}
