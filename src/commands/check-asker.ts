import { isKey, jobLimits } from '../domain/job/new-job.ts';
import { isStorable } from '../domain/storable-text.ts';
import { DaybookError, type FieldError } from '../kernel/errors.ts';
import type { CommandOptions } from './write-context.ts';

/**
 * Checks what a caller says of itself: who asks, what led to it, by which key, and why.
 * @throws DaybookError `invalid-request`
 */
export function checkAsker(options: CommandOptions, command: object = {}): void {
  const fields: FieldError[] = [];
  for (const key of ['actor', 'causation', 'idempotencyKey'] as const) {
    const text = options[key];
    if (text === undefined || isKey(text)) continue;
    fields.push({ pointer: `/${key}`, message: 'must be 1 to 255 printable characters' });
  }
  if ('reason' in command && !isReason(command.reason)) {
    const message = `must be at most ${jobLimits.reasonLength} characters, without NUL or half characters`;
    fields.push({ pointer: '/reason', message });
  }
  const [first] = fields;
  if (first === undefined) return;
  throw new DaybookError('invalid-request', `${first.pointer} ${first.message}.`, { fields });
}

function isReason(reason: unknown): boolean {
  if (reason === null) return true;
  return (
    typeof reason === 'string' && reason.length <= jobLimits.reasonLength && isStorable(reason)
  );
}
