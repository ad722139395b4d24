import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { changeJobs, type JobChange } from '../../commands/change/change-jobs.ts';
import { jobEdit } from '../../commands/change/job-edit.ts';
import type { LoadedJob } from '../../commands/read/load-jobs.ts';
import type { JobChanges } from '../../domain/job/events.ts';
import { jobLimits } from '../../domain/job/new-job.ts';
import { phaseOf } from '../../domain/job/state.ts';
import { formatWriteToken } from '../../domain/write-token.ts';
import { DaybookError } from '../../kernel/errors.ts';
import { invariant } from '../../kernel/invariant.ts';
import { callerOf } from '../requests/caller.ts';
import type { Api } from '../dependencies.ts';
import { type ApiServer, operation, writeHeaders } from '../operation.ts';
import { msField, nameField, reasonBody, reasonField, timeField } from '../schemas/fields.ts';
import { writtenJob } from '../schemas/job.ts';
import { named } from '../schemas/registry.ts';
import { jobEditSchema } from '../schemas/submission.ts';
import { jobView } from '../views/job-view.ts';
import { jobPath, mustLoad } from './job.ts';

const rescheduleBody = named(
  'Reschedule',
  z
    .strictObject({
      runAt: timeField.optional(),
      delayMs: msField(0, jobLimits.delayMs, 'So long from now.').optional(),
      reason: reasonField.optional(),
    })
    .refine((body) => (body.runAt === undefined) !== (body.delayMs === undefined), {
      path: ['runAt'],
      error: 'must be given, or delayMs, and not both',
    }),
  'When the job is to run instead.',
  { examples: [{ delayMs: 60_000, reason: 'not before the maintenance' }] },
);

const moveBody = named(
  'Move',
  z.strictObject({ queue: nameField, reason: reasonField.optional() }),
  'Where the job is to wait instead.',
  { examples: [{ queue: 'slow', reason: 'it holds up the others' }] },
);

const shared = {
  tags: ['jobs'],
  params: jobPath,
  headers: writeHeaders,
  response: { 200: writtenJob },
} as const;

const cancel = operation(
  {
    ...shared,
    operationId: 'cancelJob',
    summary: 'Cancel a job',
    description:
      'A waiting job is cancelled at once. A running one is asked to stop: if it completes all the same, it is completed.',
    body: reasonBody,
  },
  [404, 409],
);
const retry = operation(
  {
    ...shared,
    operationId: 'retryJob',
    summary: 'Run a waiting job now, or bring a dead one back',
    body: reasonBody,
  },
  [404, 409],
);
const reschedule = operation(
  {
    ...shared,
    operationId: 'rescheduleJob',
    summary: 'Run a waiting job at another time',
    body: rescheduleBody,
  },
  [404, 409],
);
const move = operation(
  {
    ...shared,
    operationId: 'moveJob',
    summary: 'Move a waiting job to another queue',
    description: 'A queue that does not exist is created, as by a submission.',
    body: moveBody,
  },
  [404, 409, 422],
);
const edit = operation(
  {
    ...shared,
    operationId: 'editJob',
    summary: 'Change a waiting job',
    body: jobEditSchema,
  },
  [404, 409, 422],
);

/** What an operator does to one job; all answer the job as it is then. */
export function jobChangeRoutes(app: ApiServer, api: Api): void {
  app.route({
    method: 'POST',
    url: '/v1/jobs/:id/cancel',
    schema: cancel,
    handler: (request) => {
      const reason = request.body?.reason ?? null;
      return change(api, request.params.id, request, () => ({
        command: { kind: 'cancel', reason },
      }));
    },
  });
  app.route({
    method: 'POST',
    url: '/v1/jobs/:id/retry',
    schema: retry,
    handler: (request) => {
      const reason = request.body?.reason ?? null;
      return change(api, request.params.id, request, () => ({
        command: { kind: 'retry', reason, delayMs: 0 },
      }));
    },
  });
  app.route({
    method: 'POST',
    url: '/v1/jobs/:id/reschedule',
    schema: reschedule,
    handler: (request) => {
      const { runAt, delayMs = 0, reason = null } = request.body;
      return change(api, request.params.id, request, ({ readAtMs }) => ({
        command: { kind: 'reschedule', runAtMs: runAt ?? readAtMs + delayMs, reason },
      }));
    },
  });
  app.route({
    method: 'POST',
    url: '/v1/jobs/:id/move',
    schema: move,
    handler: (request) => {
      const { queue, reason = null } = request.body;
      return change(api, request.params.id, request, () => ({
        command: { kind: 'move', queue, reason },
      }));
    },
  });
  app.route({
    method: 'PATCH',
    url: '/v1/jobs/:id',
    schema: edit,
    bodyLimit: api.limits.bodyBytes,
    handler: (request) =>
      change(api, request.params.id, request, ({ state }) => editOf(api, state.type, request.body)),
  });
}

type Change = Omit<JobChange, 'id'>;

/**
 * Changes one job. It is read first, for the database's time and its type; what the command decides
 * on is read again by the write path.
 */
async function change(
  api: Api,
  id: string,
  request: FastifyRequest,
  changeOf: (job: LoadedJob) => Change,
): Promise<z.output<typeof writtenJob>> {
  const { context, clock } = api;
  const begunAt = clock.elapsedMs();
  const job = await mustLoad(api, id);
  const [outcome] = await changeJobs(context, [{ id, ...changeOf(job) }], callerOf(request));
  invariant(outcome !== undefined, 'every change has an outcome');
  // Never before the database's own time, so that a job due now is shown as due.
  const nowMs = job.readAtMs + clock.elapsedMs() - begunAt;
  const { rejection, state } = outcome;
  if (rejection === undefined)
    return { job: jobView(state, phaseOf(state, nowMs)), token: outcome.token };
  if (rejection.code !== 'already-recorded' || state === null) {
    throw new DaybookError(rejection.code, rejection.detail, {
      facts: { jobId: job.state.id, ...(state === null ? {} : { state: phaseOf(state, nowMs) }) },
    });
  }
  const token = formatWriteToken({ epoch: job.epoch, streamId: state.id, version: state.version });
  return { job: jobView(state, phaseOf(state, nowMs)), token };
}

function editOf({ context }: Api, type: string, body: z.output<typeof jobEditSchema>): Change {
  const { reason = null, backoff, payload, ...rest } = body;
  const given = { ...rest, ...(backoff === undefined ? {} : { retryPolicy: backoff }) };
  // JSON has no undefined: a key that is there has a value.
  return jobEdit(context, { type, changes: given as JobChanges, payload, reason });
}
