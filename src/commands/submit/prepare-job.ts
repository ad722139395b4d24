import { decideJob } from '../../domain/job/decide.ts';
import type { JobEventData, RecordedJobEvent } from '../../domain/job/events.ts';
import { checkNewJob, type NewJob } from '../../domain/job/new-job.ts';
import { defaultPriority } from '../../domain/names.ts';
import { defaultMaxAttempts } from '../../domain/retry-policy.ts';
import { formatWriteToken } from '../../domain/write-token.ts';
import { DaybookError } from '../../kernel/errors.ts';
import { invariant } from '../../kernel/invariant.ts';
import { BodyWriter, type JsonBody } from '../../store/parameters/body-page.ts';
import type { SubmittedJobRow } from '../../store/statements/submit-jobs.ts';
import type { CommandOptions, WriteContext } from '../write-context.ts';
import { writeBody } from './write-body.ts';

export interface SubmittedJob {
  readonly id: string;
  /** Names JobSubmitted; see write-token.ts. */
  readonly token: string;
  /** True when an earlier submission with the same idempotency key made the job. */
  readonly replayed: boolean;
  /** JobSubmitted as it was written; null when replayed: then the job has to be read. */
  readonly birth: RecordedJobEvent | null;
}

/** A submission that is checked and complete: names, bodies and the decided event. */
export interface PreparedJob {
  readonly id: string;
  readonly queue: string;
  readonly data: JobEventData['JobSubmitted'];
  /** As JSON. */
  readonly payload: JsonBody;
  readonly correlation: string | null;
  readonly idempotencyKey: string | null;
}

/** Tells metrics, and wakes workers: after the commit, so not for a caller's open transaction. */
export function announce(
  context: WriteContext,
  prepared: readonly PreparedJob[],
  rows: readonly SubmittedJobRow[],
  options: CommandOptions,
): void {
  for (const { queue, data } of prepared) {
    context.observer.submitted({ queue, type: data.type }, 1);
  }
  if (options.client !== undefined) return;
  context.wakeUp.hint('inbox');
  const queueIds =
    rows.length === 1 ? rows : new Map(rows.map((row) => [row.queueId, row])).values();
  for (const { queueId } of queueIds) context.wakeUp.hint(`queue:${queueId}`);
}

/** The answer for jobs that are born now. @param occurredAtMs as the statement answered it */
export function submitted(
  context: WriteContext,
  prepared: readonly PreparedJob[],
  occurredAtMs: number,
  options: CommandOptions,
): SubmittedJob[] {
  const epoch = context.epoch();
  const actor = options.actor ?? null;
  const causation = options.causation ?? null;
  return prepared.map(({ id: streamId, queue, data, correlation }) => ({
    id: streamId,
    token: formatWriteToken({ epoch, streamId, version: 1 }),
    replayed: false,
    birth: {
      type: 'JobSubmitted',
      data,
      streamId,
      version: 1,
      position: null,
      epoch,
      schemaVersion: 1,
      occurredAtMs,
      queue,
      jobType: data.type,
      tags: data.tags ?? [],
      elapsedMs: null,
      actor,
      causation,
      correlation,
    },
  }));
}

/** The answer for a job that an earlier submission made. */
export function submittedBefore(context: WriteContext, id: string): SubmittedJob {
  const token = formatWriteToken({ epoch: context.epoch(), streamId: id, version: 1 });
  return { id, token, replayed: true, birth: null };
}

/**
 * @param at what goes before the pointers, for one of many
 * @param bodies writes the payloads of all that are submitted together
 * @throws DaybookError `invalid-request`, `payload-invalid`, `payload-too-large`
 */
export function prepareJob(
  context: WriteContext,
  job: NewJob,
  at: string,
  bodies = new BodyWriter(1),
): PreparedJob {
  mustBeSound(job, at);
  const defaults = context.catalog.defaultsOf(job.type) ?? {};
  const parsed = context.catalog.parsePayload(job.type, job.payload ?? null);
  const { body: payload, bytes, hash } = writeBody(bodies, parsed, at, 'payload');
  const retryPolicy = job.retryPolicy ?? defaults.retryPolicy;
  const timeoutMs = job.timeoutMs ?? defaults.timeoutMs;
  const decision = decideJob(
    null,
    {
      kind: 'submit',
      queue: job.queue ?? defaults.queue ?? 'default',
      job: {
        type: job.type,
        priority: job.priority ?? defaults.priority ?? defaultPriority,
        maxAttempts: job.maxAttempts ?? defaults.maxAttempts ?? defaultMaxAttempts,
        ...(job.runAtMs === undefined ? {} : { runAtMs: job.runAtMs }),
        ...(job.delayMs === undefined || job.delayMs === 0 ? {} : { delayMs: job.delayMs }),
        ...(retryPolicy === undefined ? {} : { retryPolicy }),
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
        ...(job.tags === undefined || job.tags.length === 0 ? {} : { tags: job.tags }),
        ...(job.uniqueKey === undefined ? {} : { uniqueKey: job.uniqueKey }),
        ...(job.replayOf === undefined ? {} : { replayOf: job.replayOf }),
        payloadHash: hash,
        payloadBytes: bytes,
      },
    },
    { nowMs: 0, random: 0 },
  );
  const event = decision.events?.[0];
  invariant(
    event?.type === 'JobSubmitted',
    'a job that was never submitted accepts its submission',
  );
  return {
    id: context.newId(),
    queue: job.queue ?? defaults.queue ?? 'default',
    data: event.data,
    payload,
    correlation: job.correlationId ?? context.lineage.current()?.correlation ?? null,
    idempotencyKey: job.idempotencyKey ?? null,
  };
}

/**
 * Checks a submission, or the same fields of a change.
 * @param at what goes before the pointers, for one of many
 * @throws DaybookError `invalid-request`
 */
export function mustBeSound(job: NewJob, at = ''): void {
  const fields = checkNewJob(job).map((field) => ({ ...field, pointer: at + field.pointer }));
  const [first] = fields;
  if (first === undefined) return;
  throw new DaybookError('invalid-request', `${first.pointer} ${first.message}.`, { fields });
}

/** The rows of a submission, with the numbers of their queues and types; unknown ones are made. */
export async function rowsOf(
  context: WriteContext,
  prepared: readonly PreparedJob[],
  options: CommandOptions,
): Promise<SubmittedJobRow[]> {
  for (;;) {
    const rows = knownRowsOf(context, prepared, options);
    if (rows !== undefined) return rows;
    await context.names.queueIds(prepared.map((job) => job.queue));
    await context.names.typeIds(prepared.map((job) => job.data.type));
  }
}

/** The same at once, where all names are known; else undefined. */
export function knownRowsOf(
  context: WriteContext,
  prepared: readonly PreparedJob[],
  options: CommandOptions,
): SubmittedJobRow[] | undefined {
  const rows: SubmittedJobRow[] = [];
  for (const { id, queue, data, payload, correlation } of prepared) {
    const queueId = context.names.knownQueueId(queue);
    const typeId = context.names.knownTypeId(data.type);
    if (queueId === undefined || typeId === undefined) return undefined;
    rows.push({
      id,
      queueId,
      typeId,
      priority: data.priority,
      maxAttempts: data.maxAttempts,
      runAtMs: data.runAtMs ?? null,
      delayMs: data.delayMs ?? 0,
      payload,
      payloadHash: data.payloadHash,
      payloadBytes: data.payloadBytes,
      data: JSON.stringify(data),
      correlation,
      actor: options.actor ?? null,
      causation: options.causation ?? null,
    });
  }
  return rows;
}
