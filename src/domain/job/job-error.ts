import { storableText } from '../storable-text.ts';
import type { JobError } from './events.ts';

/** Characters kept of each text of a failure. */
const MAX_NAME = 100;
const MAX_MESSAGE = 2_000;
const MAX_STACK = 8_000;

/** Whatever a handler threw, errors or not, as the log keeps it. Never throws. */
export function jobErrorFrom(thrown: unknown): JobError {
  try {
    return describeThrown(thrown);
  } catch {
    // A thrown value may refuse to be looked at in any way (a getter that throws, a revoked proxy);
    // that is worth recording, not failing over.
    return { name: 'NonError', message: 'a value that cannot be shown' };
  }
}

function describeThrown(thrown: unknown): JobError {
  if (!(thrown instanceof Error)) {
    return { name: 'NonError', message: storableText(describe(thrown), MAX_MESSAGE) };
  }
  const name = storableText(describe(thrown.name), MAX_NAME);
  const message = storableText(describe(thrown.message), MAX_MESSAGE);
  if (typeof thrown.stack !== 'string') return { name, message };
  return { name, message, stack: storableText(thrown.stack, MAX_STACK) };
}

function describe(value: unknown): string {
  if (typeof value === 'string') return value;
  const json: unknown = typeof value === 'object' ? JSON.stringify(value) : undefined;
  return typeof json === 'string' ? json : String(value);
}
