import type { z } from 'zod';
import { evolveJob } from '../../domain/job/evolve.ts';
import type { NewJob } from '../../domain/job/new-job.ts';
import { invariant } from '../../kernel/invariant.ts';
import { loadJobs } from '../../commands/read/load-jobs.ts';
import { submitJobs } from '../../commands/submit/submit-jobs.ts';
import { callerOf } from '../requests/caller.ts';
import { pointingBelow } from '../requests/pointing-below.ts';
import type { Api } from '../dependencies.ts';
import { type ApiServer, operation, writeHeaders } from '../operation.ts';
import { headerField } from '../schemas/fields.ts';
import { writtenJob } from '../schemas/job.ts';
import { batchSchema, newJobSchema, submittedBatch } from '../schemas/submission.ts';
import { newbornView } from '../views/job-view.ts';

const headers = writeHeaders.extend({
  'idempotency-key': headerField(
    'Makes the request safe to repeat: for a day, the same key answers the same job.',
  ).optional(),
});

const submit = operation(
  {
    operationId: 'submitJob',
    summary: 'Submit a job',
    tags: ['jobs'],
    headers,
    body: newJobSchema,
    response: { 201: writtenJob },
  },
  [409, 422, 429],
);

const submitMany = operation(
  {
    operationId: 'submitJobs',
    summary: 'Submit up to 10,000 jobs: all or none',
    tags: ['jobs'],
    headers,
    body: batchSchema,
    response: { 201: submittedBatch },
  },
  [409, 422, 429],
);

/** POST /v1/jobs and POST /v1/jobs/batch. */
export function submissionRoutes(app: ApiServer, api: Api): void {
  const { context, limits } = api;

  app.route({
    method: 'POST',
    url: '/v1/jobs',
    schema: submit,
    bodyLimit: limits.bodyBytes,
    handler: async (request, reply) => {
      const idempotencyKey = request.headers['idempotency-key'];
      const options = { ...callerOf(request), idempotencyKey };
      const [submitted] = await submitJobs(context, [newJobOf(request.body)], options);
      invariant(submitted !== undefined, 'one job was submitted');
      const { id, token, replayed, birth } = submitted;
      const job = newbornView(evolveJob(null, birth ?? (await readBirth(api, id))));
      if (replayed) reply.header('idempotency-replayed', 'true');
      return reply.code(201).header('location', `/v1/jobs/${id}`).send({ job, token });
    },
  });

  app.route({
    method: 'POST',
    url: '/v1/jobs/batch',
    schema: submitMany,
    bodyLimit: limits.batchBytes,
    handler: async (request, reply) => {
      const idempotencyKey = request.headers['idempotency-key'];
      const options = { ...callerOf(request), idempotencyKey };
      const newJobs = request.body.jobs.map(newJobOf);
      const submitted = await submitJobs(context, newJobs, options).catch((error: unknown) => {
        // The commands know a list of jobs, or one; the request has it under `jobs`.
        throw pointingBelow(error, newJobs.length === 1 ? '/jobs/0' : '/jobs');
      });
      if (submitted[0]?.replayed === true) reply.header('idempotency-replayed', 'true');
      const jobs = submitted.map(({ id, token }) => ({ id, token }));
      return reply.code(201).send({ jobs, count: jobs.length });
    },
  });
}

/** Field by field: what is left of an object by `...` is slow to make, and to read ever after. */
function newJobOf(body: z.output<typeof newJobSchema>): NewJob {
  return {
    queue: body.queue,
    type: body.type,
    payload: body.payload,
    priority: body.priority,
    runAtMs: body.runAt,
    delayMs: body.delayMs,
    maxAttempts: body.maxAttempts,
    retryPolicy: body.backoff,
    timeoutMs: body.timeoutMs,
    tags: body.tags,
    correlationId: body.correlationId,
    uniqueKey: body.uniqueKey,
  };
}

/** The first event of a job, whatever has become of it: what a repeated request is told. */
async function readBirth({ context }: Api, id: string) {
  const loaded = await loadJobs(context.database, context.tenantId, [id]);
  const [birth] = loaded.get(id)?.events ?? [];
  invariant(birth !== undefined, 'a job that was submitted can be read');
  return birth;
}
