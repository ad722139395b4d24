import type { FastifyReply } from 'fastify';
import type { ClaimedJob } from '../../commands/work/claim-jobs.ts';
import { claimForWorker, releaseJobs } from '../claiming/claim-for-worker.ts';
import type { ClaimsInProgress } from '../claiming/claims-in-progress.ts';
import type { Api } from '../dependencies.ts';
import { type ApiServer, operation } from '../operation.ts';
import { claimedSchema, claimSchema } from '../schemas/claim.ts';
import { shownMs } from '../schemas/fields.ts';
import { createTurns } from '../requests/turns.ts';
import type { Waits } from '../requests/waits.ts';
import { queuePath } from './queues.ts';

const claim = operation(
  {
    operationId: 'claimJobs',
    summary: 'Claim jobs of a queue, waiting for one if none is due',
    description:
      'For workers in any language. The answer names the session: give it with the next claim, and beat it. Claiming counts as a heartbeat.',
    tags: ['workers'],
    params: queuePath,
    body: claimSchema,
    response: { 200: claimedSchema },
  },
  [404],
);

/** POST /v1/queues/{queue}/claim. */
export function claimRoute(
  app: ApiServer,
  api: Api,
  waits: Waits,
  inProgress: ClaimsInProgress,
): void {
  const turns = createTurns(
    (queueId: number) => [`queue:${queueId}` as const],
    api.context.wakeUp,
    api.clock,
  );

  app.route({
    method: 'POST',
    url: '/v1/queues/:queue/claim',
    schema: claim,
    handler: async (request, reply) => {
      const wait = waits.begin(reply);
      try {
        const order = { ...request.body, queue: request.params.queue };
        const { session, leaseUntilMs, jobs } = await claimForWorker(api, turns, order, wait);
        inProgress.add(jobs, api.clock.elapsedMs());
        releaseIfUnsent(api, reply, jobs);
        return { session, leaseUntil: shownMs(leaseUntilMs), jobs: jobs.map(claimedView) };
      } finally {
        wait.end();
      }
    },
  });
}

/** A client that goes while the answer is on its way to it has not seen the jobs either. */
function releaseIfUnsent(api: Api, reply: FastifyReply, jobs: readonly ClaimedJob[]): void {
  if (jobs.length === 0) return;
  let sent = false;
  reply.raw.once('finish', () => {
    sent = true;
  });
  reply.raw.once('close', () => {
    if (sent) return;
    releaseJobs(api, jobs).catch((error: unknown) => {
      api.context.observer.warn('jobs of a gone client wait for their lease to lapse', { error });
    });
  });
}

function claimedView(claimed: ClaimedJob) {
  const {
    runAtMs,
    submittedAtMs,
    claimedAtMs,
    tags,
    payloadBytes: _payloadBytes,
    version: _version,
    ...job
  } = claimed;
  return {
    ...job,
    runAt: shownMs(runAtMs),
    submittedAt: shownMs(submittedAtMs),
    claimedAt: shownMs(claimedAtMs),
    tags: [...tags],
  };
}
