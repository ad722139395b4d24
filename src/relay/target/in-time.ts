import type { Clock } from '../../kernel/clock.ts';
import { DaybookError } from '../../kernel/errors.ts';

/** How long somebody who reads the target waits for it, in ms. */
export interface Patience {
  readonly clock: Clock;
  readonly timeoutMs: number;
}

/**
 * What the target answers, if it does so in time: its client can hang for ever.
 * @throws DaybookError `relay-target-unavailable`; one of Daybook's own comes as it is
 */
export async function inTime<Answer>(
  { clock, timeoutMs }: Patience,
  answer: Promise<Answer>,
): Promise<Answer> {
  let cancel: () => void = () => undefined;
  const late = new Promise<never>((_, reject) => {
    cancel = clock.after(timeoutMs, () => {
      reject(unavailable(`The target has said nothing for ${timeoutMs} ms.`));
    });
  });
  try {
    return await Promise.race([answer, late]);
  } catch (error) {
    if (error instanceof DaybookError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw unavailable(`The target could not be read: ${reason}`, error);
  } finally {
    cancel();
  }
}

function unavailable(message: string, cause?: unknown): DaybookError {
  return new DaybookError('relay-target-unavailable', message, { cause });
}
