import type { Reset } from '../../domain/log-signals.ts';
import { formatLogToken } from '../../domain/log-token.ts';
import { isDaybookError } from '../../kernel/errors.ts';

/** What an error says to a reader who had come so far; undefined for one that is about something else. */
export function resetOf(error: unknown): Reset | undefined {
  const isReset = isDaybookError(error, 'token-expired') || isDaybookError(error, 'position-ahead');
  if (!isReset) return undefined;
  const { epoch = 0, first = '1', reason = 'ahead' } = error.facts;
  const position = BigInt(String(first)) - 1n;
  return {
    token: formatLogToken({ epoch: Number(epoch), position }),
    reason: reason as Reset['reason'],
  };
}
