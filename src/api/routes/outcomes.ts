import type { z } from 'zod';
import type { ChangeOutcome } from '../../commands/change/change-jobs.ts';
import { completeJobs } from '../../commands/work/complete-jobs.ts';
import { type AttemptEnd, endAttempts } from '../../commands/work/end-attempts.ts';
import type { JobEvent } from '../../domain/job/events.ts';
import { jobErrorFrom } from '../../domain/job/job-error.ts';
import type { JobPhase } from '../../domain/job/state.ts';
import { DaybookError } from '../../kernel/errors.ts';
import type { AttemptOutcome } from '../../kernel/observer.ts';
import type { ClaimsInProgress } from '../claiming/claims-in-progress.ts';
import { pointingBelow } from '../requests/pointing-below.ts';
import type { Api } from '../dependencies.ts';
import { type ApiServer, operation } from '../operation.ts';
import {
  completionsSchema,
  failuresSchema,
  outcomesSchema,
  releasesSchema,
  snoozesSchema,
} from '../schemas/claim.ts';

type Outcomes = z.output<typeof outcomesSchema>;

const shared = { tags: ['workers'], response: { 200: outcomesSchema } } as const;

const complete = operation(
  {
    ...shared,
    operationId: 'completeClaims',
    summary: 'Record that claims completed',
    body: completionsSchema,
  },
  [409],
);
const fail = operation(
  {
    ...shared,
    operationId: 'failClaims',
    summary: 'Record that claims failed',
    body: failuresSchema,
  },
  [409],
);
const snooze = operation(
  {
    ...shared,
    operationId: 'snoozeClaims',
    summary: 'Put the jobs of claims off',
    body: snoozesSchema,
  },
  [409],
);
const release = operation(
  {
    ...shared,
    operationId: 'releaseClaims',
    summary: 'Give claims back',
    body: releasesSchema,
  },
  [409],
);

/** POST /v1/claims/…: each item has an outcome of its own, and the answer is 200 for all. */
export function outcomeRoutes(app: ApiServer, api: Api, inProgress: ClaimsInProgress): void {
  const { context, limits } = api;
  const end = async (ends: readonly AttemptEnd[]): Promise<Outcomes> => {
    const outcomes = await endAttempts(context, ends);
    for (const [index, outcome] of outcomes.entries()) {
      const command = ends[index]?.command;
      if (command !== undefined) countEnd(api, inProgress, command, outcome);
    }
    for (const { rejection } of outcomes) if (rejection !== undefined) mustBeSettled(rejection);
    return { items: outcomes.map(outcomeView) };
  };

  app.route({
    method: 'POST',
    url: '/v1/claims/complete',
    schema: complete,
    bodyLimit: limits.batchBytes,
    handler: (request) => completeAll(api, inProgress, request.body.items),
  });
  app.route({
    method: 'POST',
    url: '/v1/claims/fail',
    schema: fail,
    bodyLimit: limits.batchBytes,
    handler: (request) => end(request.body.items.map(failureOf)),
  });
  app.route({
    method: 'POST',
    url: '/v1/claims/snooze',
    schema: snooze,
    handler: (request) =>
      end(
        request.body.items.map(({ jobId, leaseToken, delayMs }) => ({
          id: jobId,
          command: { kind: 'snooze', leaseToken, delayMs },
        })),
      ),
  });
  app.route({
    method: 'POST',
    url: '/v1/claims/release',
    schema: release,
    handler: (request) =>
      end(
        request.body.items.map(({ jobId, leaseToken }) => ({
          id: jobId,
          command: { kind: 'release', leaseToken },
        })),
      ),
  });
}

async function completeAll(
  { context, clock }: Api,
  inProgress: ClaimsInProgress,
  items: z.output<typeof completionsSchema>['items'],
): Promise<Outcomes> {
  const completions = items.map(({ jobId: id, leaseToken, result }) => ({
    id,
    leaseToken,
    result,
  }));
  const outcomes = await completeJobs(context, completions).catch((error: unknown) => {
    throw pointingBelow(error, '/items');
  });
  return {
    items: outcomes.map(({ id, outcome }, index) => {
      const claim = inProgress.take(items[index]?.leaseToken ?? '');
      if (outcome !== 'recorded') return { jobId: id, outcome };
      if (claim !== undefined) {
        const runMs = clock.elapsedMs() - claim.claimedAt;
        context.observer.ended(claim.labels, 'completed', runMs);
      }
      return { jobId: id, outcome, state: 'completed' as const };
    }),
  };
}

function failureOf(item: z.output<typeof failuresSchema>['items'][number]): AttemptEnd {
  const { jobId, leaseToken, error, retryable, retryDelayMs } = item;
  // An error of another language takes the way of our own, which cuts it to what can be kept.
  const thrown = Object.assign(new Error(error.message), { name: error.name, stack: error.stack });
  return {
    id: jobId,
    command: {
      kind: 'fail',
      leaseToken,
      error: jobErrorFrom(thrown),
      retryable,
      ...(retryDelayMs === undefined ? {} : { delayMs: retryDelayMs }),
    },
  };
}

const endOf: Partial<Record<JobEvent['type'], readonly [AttemptOutcome, JobPhase]>> = {
  JobRetried: ['retried', 'retrying'],
  JobDead: ['dead', 'dead'],
  JobCancelled: ['cancelled', 'cancelled'],
  JobSnoozed: ['snoozed', 'scheduled'],
  JobInterrupted: ['interrupted', 'ready'],
};

/** Rejections after which the claim is over; after any other one it is as it was. */
const settled: ReadonlySet<string> = new Set(['already-recorded', 'lease-lost', 'job-not-found']);

/**
 * A claim that could not be settled, because others kept changing the job, must not be told as lost:
 * its worker would forget a job that it still holds. The whole request is to be repeated; what was
 * recorded of it is then recorded already.
 * @throws DaybookError with the code of the rejection
 */
function mustBeSettled({ code, detail }: NonNullable<ChangeOutcome['rejection']>): void {
  if (!settled.has(code)) throw new DaybookError(code, detail);
}

function outcomeView(outcome: ChangeOutcome): Outcomes['items'][number] {
  const { id: jobId, rejection } = outcome;
  if (rejection !== undefined) {
    const repeated = rejection.code === 'already-recorded';
    return { jobId, outcome: repeated ? 'already-recorded' : 'lease-lost' };
  }
  const state = endOf[outcome.events.at(-1)?.type ?? 'JobRetried']?.[1];
  return { jobId, outcome: 'recorded', ...(state === undefined ? {} : { state }) };
}

function countEnd(
  { context, clock }: Api,
  inProgress: ClaimsInProgress,
  command: AttemptEnd['command'],
  outcome: ChangeOutcome,
): void {
  if (outcome.rejection !== undefined) return;
  const claim = inProgress.take(command.leaseToken);
  const { queue, type } = outcome.state;
  if (command.kind === 'fail') context.observer.failed({ queue, type });
  const ended = endOf[outcome.events.at(-1)?.type ?? 'JobRetried']?.[0];
  if (ended === undefined) return;
  // A claim that another process gave out: nobody here knows when.
  const runMs = claim === undefined ? null : clock.elapsedMs() - claim.claimedAt;
  context.observer.ended({ queue, type }, ended, runMs);
}
