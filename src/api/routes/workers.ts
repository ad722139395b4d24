import { z } from 'zod';
import {
  beatWorkerSession,
  endWorkerSession,
  listWorkerSessions,
} from '../../commands/work/worker-sessions.ts';
import { DaybookError } from '../../kernel/errors.ts';
import { isUuid } from '../../kernel/uuid.ts';
import type { Api } from '../dependencies.ts';
import { type ApiServer, operation, unwantedBody } from '../operation.ts';
import { shownMs } from '../schemas/fields.ts';
import { described } from '../schemas/registry.ts';
import { beatSchema, workersSchema } from '../schemas/worker.ts';

const tags = ['workers'] as const;
const sessionPath = z.strictObject({
  session: described(z.string(), 'What a claim answered as `session`.'),
});

const list = operation({
  operationId: 'listWorkers',
  summary: 'List worker sessions that live',
  tags,
  response: { 200: workersSchema },
});
const beat = operation(
  {
    operationId: 'beatWorker',
    summary: 'Say that a worker still lives',
    description: 'All jobs of the session stay claimed for another `leaseMs`.',
    tags,
    params: sessionPath,
    body: z.strictObject({}).nullish(),
    response: { 200: beatSchema },
  },
  [404],
);
const end = operation(
  {
    operationId: 'endWorker',
    summary: 'End a worker session',
    description:
      'Release or finish its jobs first: those it still holds count as interrupted, like those of a worker that died.',
    tags,
    params: sessionPath,
    response: { 204: described(z.null(), 'The session has ended.') },
  },
  [404, ...unwantedBody],
);

/** /v1/workers and below. */
export function workerRoutes(app: ApiServer, { context }: Api): void {
  app.route({
    method: 'GET',
    url: '/v1/workers',
    schema: list,
    handler: async () => ({ data: (await listWorkerSessions(context)).map(workerView) }),
  });
  app.route({
    method: 'POST',
    url: '/v1/workers/:session/heartbeat',
    schema: beat,
    handler: async (request) => {
      const row = await beatWorkerSession(context, mustBeSession(request.params.session));
      return { leaseUntil: shownMs(row.lease_until), cancelRequested: row.cancel_requested };
    },
  });
  app.route({
    method: 'DELETE',
    url: '/v1/workers/:session',
    schema: end,
    handler: async (request, reply) => {
      const session = mustBeSession(request.params.session);
      if (!(await endWorkerSession(context, session))) throw noSession(session);
      return reply.code(204).send(null);
    },
  });
}

function mustBeSession(session: string): string {
  if (isUuid(session)) return session;
  throw noSession(session);
}

function noSession(session: string): DaybookError {
  return new DaybookError('worker-not-found', `There is no live session ${session}.`);
}

type SessionRow = Awaited<ReturnType<typeof listWorkerSessions>>[number];

function workerView(row: SessionRow) {
  return {
    session: row.id,
    name: row.name,
    host: row.host,
    pid: row.pid,
    version: row.version,
    queues: row.queues,
    types: row.types,
    slots: row.slots,
    leaseMs: row.lease_ms,
    startedAt: shownMs(row.started_at),
    lastBeatAt: shownMs(row.last_beat_at),
    leaseUntil: shownMs(row.lease_until),
  };
}
