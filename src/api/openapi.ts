import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import {
  createJsonSchemaTransform,
  createJsonSchemaTransformObject,
} from 'fastify-type-provider-zod';
import { apiRegistry, exampleOf } from './schemas/registry.ts';

/**
 * Documents the routes that are added after it: the OpenAPI 3.1 document is made from the very
 * schemas that check requests and answers, once, when it is first asked for.
 */
export async function documentRoutes(app: FastifyInstance, version: string): Promise<void> {
  const completed = createJsonSchemaTransformObject({ schemaRegistry: apiRegistry });
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Daybook',
        version,
        description:
          'A job queue for Postgres in which every change of a job is an event in one append-only log.',
        license: { name: 'MIT', identifier: 'MIT' },
      },
      servers: [{ url: '/' }],
      tags: [
        { name: 'jobs', description: 'Submit, read and change jobs.' },
        { name: 'queues', description: 'How much is in them, and their settings.' },
        { name: 'workers', description: 'Claim jobs and record outcomes, in any language.' },
        {
          name: 'consumers',
          description: 'Read models and other readers of the log: lag, rebuilds, parked events.',
        },
        { name: 'statistics', description: 'What happened when, and what went wrong.' },
        {
          name: 'subscriptions',
          description: 'Hang services on the log: groups of members whose place Daybook keeps.',
        },
        { name: 'events', description: 'Read the log: pages, NDJSON and server-sent events.' },
        { name: 'operations', description: 'The health of the process.' },
      ],
    },
    transform: createJsonSchemaTransform({ schemaRegistry: apiRegistry }),
    transformObject: (document) =>
      withBodyNotes(withoutUnused(completed(document) as OpenApiDocument)) as ReturnType<
        typeof completed
      >,
  });
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    uiConfig: { url: '/openapi.json', deepLinking: true, defaultModelsExpandDepth: 0 },
  });
  let document: unknown;
  app.get('/openapi.json', { schema: { hide: true } }, () => {
    document ??= app.swagger();
    return Promise.resolve(document);
  });
}

interface OpenApiDocument {
  readonly components: { readonly schemas: Record<string, unknown> };
  readonly paths: Readonly<Record<string, Readonly<Record<string, OpenApiOperation>>>>;
}

interface OpenApiOperation {
  readonly requestBody?: {
    required: boolean;
    readonly content: Readonly<Record<string, RequestMedia>>;
  };
}

interface RequestMedia {
  readonly schema?: {
    readonly $ref?: string;
    readonly anyOf?: readonly { readonly type?: string }[];
  };
  example?: unknown;
}

/** Each schema is offered for requests and for answers; those that nothing refers to are left out. */
function withoutUnused(document: OpenApiDocument): OpenApiDocument {
  const { schemas } = document.components;
  const used = new Set<string>();
  const visit = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return;
    for (const [key, value] of Object.entries(node)) {
      const name =
        key === '$ref' && typeof value === 'string' ? value.split('/').at(-1) : undefined;
      if (name === undefined) visit(value);
      else if (!used.has(name)) {
        used.add(name);
        visit(schemas[name]);
      }
    }
  };
  visit(document.paths);
  const kept = Object.entries(schemas).filter(([name]) => used.has(name));
  return {
    ...document,
    components: { ...document.components, schemas: Object.fromEntries(kept.toSorted(byName)) },
  };
}

function byName([a]: [string, unknown], [b]: [string, unknown]): number {
  return a < b ? -1 : 1;
}

/**
 * Two things about bodies that get lost on the way: that one may be left out (fastify takes all it
 * has a schema for as required), and examples (zod drops those of schemas with defaults).
 */
function withBodyNotes(document: OpenApiDocument): OpenApiDocument {
  const operations = Object.values(document.paths).flatMap((path) => Object.values(path));
  for (const { requestBody } of operations) {
    const media = requestBody?.content['application/json'];
    if (requestBody === undefined || media === undefined) continue;
    if (media.schema?.anyOf?.some(({ type }) => type === 'null') === true) {
      requestBody.required = false;
    }
    // `#/components/schemas/NewJobInput` is the component `NewJob` as a request sees it.
    const example = exampleOf(
      media.schema?.$ref
        ?.split('/')
        .at(-1)
        ?.replace(/Input$/, '') ?? '',
    );
    if (example !== undefined) media.example = example;
  }
  return document;
}
