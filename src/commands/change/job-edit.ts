import type { JobChanges } from '../../domain/job/events.ts';
import { sha256 } from '../../kernel/ids.ts';
import { payloadText } from '../submit/write-body.ts';
import type { WriteContext } from '../write-context.ts';
import type { JobChange } from './change-jobs.ts';

/** What an edit asks for: changes, and a payload unless it is undefined. */
export interface JobEdit {
  /** The type of the job, whose schema a new payload must fit. */
  readonly type: string;
  readonly changes: Omit<JobChanges, 'payloadHash' | 'payloadBytes'>;
  readonly payload?: unknown;
  readonly reason: string | null;
}

/**
 * An edit as the write path takes it, its payload checked as that of a submission is.
 * @throws DaybookError `payload-invalid`, `payload-too-large`
 */
export function jobEdit(
  { catalog }: WriteContext,
  { type, changes, payload, reason }: JobEdit,
): Omit<JobChange, 'id'> {
  if (payload === undefined) return { command: { kind: 'edit', changes, reason } };
  const text = payloadText(catalog.parsePayload(type, payload));
  const body = { payloadHash: sha256(text), payloadBytes: Buffer.byteLength(text) };
  return { command: { kind: 'edit', changes: { ...changes, ...body }, reason }, payload: text };
}
