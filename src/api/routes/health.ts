import { readLogGauges } from '../../commands/read/read-gauges.ts';
import { z } from 'zod';
import type { Clock } from '../../kernel/clock.ts';
import { type ErrorCode, errorCatalogue } from '../../kernel/error-catalogue.ts';
import { DaybookError, isDaybookError } from '../../kernel/errors.ts';
import type { Api } from '../dependencies.ts';
import { type ApiServer, operation } from '../operation.ts';
import { described, named } from '../schemas/registry.ts';

const tags = ['operations'] as const;

const health = named(
  'Health',
  z.strictObject({
    status: z.enum(['live', 'ready', 'unavailable']),
    instance: z.string(),
    version: z.string(),
    reasons: described(
      z.array(z.strictObject({ code: z.string(), detail: z.string() })),
      'Why it is not ready.',
    ),
  }),
  'The health of one process.',
);

const live = operation({
  operationId: 'getLiveness',
  summary: 'Whether the process runs; never asks the database',
  tags,
  response: { 200: health },
});
const readyOperation = operation({
  operationId: 'getReadiness',
  summary: 'Whether the process should get requests',
  tags,
  response: { 200: health },
});
/** Not ready is an answer of this operation and no error of it. */
const ready = { ...readyOperation, response: { ...readyOperation.response, 503: health } };

/** How long the database may take to answer before the process counts as not ready. */
const DATABASE_MS = 2_000;

type Reason = z.output<typeof health>['reasons'][number];

/** GET /health/live, /health/ready and /metrics. */
export function healthRoutes(app: ApiServer, api: Api): void {
  const { instance, version } = api;

  app.route({
    method: 'GET',
    url: '/health/live',
    schema: live,
    handler: () => Promise.resolve({ status: 'live' as const, instance, version, reasons: [] }),
  });
  app.route({
    method: 'GET',
    url: '/health/ready',
    schema: ready,
    handler: async (_request, reply) => {
      const reasons = [...draining(api), ...(await databaseTrouble(api))];
      if (reasons.length === 0) return { status: 'ready' as const, instance, version, reasons };
      reply.code(503).header('retry-after', '2');
      return { status: 'unavailable' as const, instance, version, reasons };
    },
  });
  app.route({
    method: 'GET',
    url: '/metrics',
    schema: { hide: true },
    handler: async (_request, reply) => {
      reply.type('text/plain; version=0.0.4; charset=utf-8');
      return api.metricsText();
    },
  });
}

function draining(api: Api): Reason[] {
  return api.isDraining() ? [{ code: 'draining', detail: 'The process is shutting down.' }] : [];
}

/** Reads the log's head: that needs the database, this version's schema, and a log made ready. */
async function databaseTrouble({ context, clock }: Api): Promise<Reason[]> {
  try {
    const gauges = await inTime(clock, readLogGauges(context));
    if (gauges !== null) return [];
    return [{ code: 'log-not-ready', detail: 'The log has not been prepared yet.' }];
  } catch (error) {
    return [reasonOf(isDaybookError(error) ? error.code : 'internal')];
  }
}

function reasonOf(code: ErrorCode): Reason {
  return { code, detail: errorCatalogue[code].title };
}

async function inTime<Result>(clock: Clock, work: Promise<Result>): Promise<Result> {
  const done = new AbortController();
  const late = clock.sleep(DATABASE_MS, done.signal).then(() => {
    if (done.signal.aborted) return work;
    // Its own failure, should it come later, has been told by then.
    work.catch(() => undefined);
    throw new DaybookError('database-unavailable', 'The database did not answer in time.');
  });
  return Promise.race([work, late]).finally(() => done.abort());
}
