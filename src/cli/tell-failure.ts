import { isDaybookError } from '../kernel/errors.ts';

/** What a person reads when a command fails: what happened, and what to do; never a stack trace. */
function explain(error: unknown): string {
  if (isDaybookError(error)) {
    const why = error.code === 'database-unavailable' ? `\n  why: ${causeOf(error)}` : '';
    return `error: ${error.message}${why}\n  try: ${error.advice} [${error.code}]`;
  }
  const reason = error instanceof Error ? error.message : String(error);
  const more = 'Run it again with DAYBOOK_DEBUG=1 for the whole story.';
  return `error: ${reason}\n  try: ${more}`;
}

/** What the driver says: an address and a reason, no password. */
function causeOf({ cause }: Error): string {
  if (cause instanceof AggregateError) return causeOf(new Error('', { cause: cause.errors[0] }));
  return cause instanceof Error ? cause.message : String(cause);
}

/** On stderr; with DAYBOOK_DEBUG=1 the whole error, too. */
export function tellFailure(error: unknown): void {
  console.error(explain(error));
  if (process.env['DAYBOOK_DEBUG'] === '1') console.error(error);
}
