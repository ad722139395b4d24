import { jobLimits, type NewJob } from '../../domain/job/new-job.ts';
import { DaybookError } from '../../kernel/errors.ts';
import { BodyWriter } from '../../store/parameters/body-page.ts';
import { checkAsker } from '../check-asker.ts';
import {
  announce,
  knownRowsOf,
  type PreparedJob,
  prepareJob,
  rowsOf,
  type SubmittedJob,
  submitted,
} from './prepare-job.ts';
import { giveBirth } from './submit-coalescer.ts';
import { submitKeyed } from './submit-keyed.ts';
import { type CommandOptions, executorFor, traced, type WriteContext } from '../write-context.ts';

/**
 * Submits jobs, all or none; a single one is a batch of one.
 * @throws DaybookError `invalid-request`, `payload-invalid`, `payload-too-large`, `too-many-queues`,
 *   `too-many-types`, `pool-exhausted` (with `client`), `queue-full`, `overloaded`, `idempotency-key-reused`, `unique-key-held`, `key-busy`, `database-unavailable`
 */
export async function submitJobs(
  context: WriteContext,
  jobs: readonly NewJob[],
  given: CommandOptions = {},
): Promise<SubmittedJob[]> {
  const options = traced(context, given);
  const prepared = prepareJobs(context, jobs, options);
  if (prepared.length === 0) return [];
  const rows =
    knownRowsOf(context, prepared, options) ?? (await rowsOf(context, prepared, options));
  if (options.idempotencyKey !== undefined || prepared.some(hasKey)) {
    return submitKeyed(context, prepared, rows, options);
  }
  const bornAtMs =
    options.client === undefined
      ? await context.coalescer.submit(rows)
      : await giveBirth(executorFor(context, options), context.tenantId, rows);
  announce(context, prepared, rows, options);
  return submitted(context, prepared, bornAtMs, options);
}

/** Apart from what waits: a function that does keeps all it ever held in its frame. */
function prepareJobs(
  context: WriteContext,
  jobs: readonly NewJob[],
  options: CommandOptions,
): PreparedJob[] {
  if (jobs.length === 0) return [];
  if (jobs.length > jobLimits.batch) {
    throw new DaybookError('invalid-request', `At most ${jobLimits.batch} jobs at a time.`);
  }
  checkAsker(options);
  const bodies = new BodyWriter(jobs.length);
  const prepared = jobs.map((job, index) =>
    prepareJob(context, job, jobs.length === 1 ? '' : `/${index}`, bodies),
  );
  context.backlogLimit.admit(prepared);
  return prepared;
}

function hasKey({ idempotencyKey, data }: PreparedJob): boolean {
  return idempotencyKey !== null || data.uniqueKey !== undefined;
}
