import type { Verified } from './contenders/contender.ts';
import { type Daybook, withDaybook } from './package.ts';

/** How long it may take after one run: longest after the soak, with a log of 16,000,000 events. */
export const verifyLimitMs = 30 * 60_000;
/** After this time it is clear how long it will take. */
const LOOK_MS = 5_000;

/** Whether the tables are what the log says, if that can be told in time. */
export async function verify(daybook: Daybook, limitMs = verifyLimitMs): Promise<Verified> {
  const given = new AbortController();
  const from = performance.now();
  const onProgress = ({ phase, events, of }: { phase: string; events: number; of: number }) => {
    const tookMs = performance.now() - from;
    // Both phases read every event.
    const share = (events / of + (phase === 'log' ? 0 : 1)) / 2;
    if (tookMs > limitMs || (tookMs > LOOK_MS && tookMs / share > limitMs)) given.abort();
  };
  try {
    const { equal, checked, counts } = await daybook.verify({ signal: given.signal, onProgress });
    if (equal) return { outcome: 'equal', events: checked.events };
    return { outcome: 'differs', differences: JSON.stringify(counts) };
  } catch (error) {
    if (given.signal.aborted) return { outcome: 'takes too long' };
    throw error;
  }
}

/**
 * Verifies what a run has left in a database.
 * @returns a sentence about it @throws Error where the tables differ from the log
 */
export function verifyDatabase(connectionString: string): Promise<string> {
  return withDaybook({ connectionString, maintain: false }, async (daybook) =>
    verifiedText(await verify(daybook)),
  );
}

/** @throws Error where the tables differ from the log */
export function verifiedText(verified: Verified): string {
  switch (verified.outcome) {
    case 'equal':
      return `Verified: the tables are what the log of ${verified.events.toLocaleString('en')} events says.`;
    case 'takes too long':
      return `Not verified: that would take more than ${verifyLimitMs / 60_000} minutes.`;
    case 'differs':
      throw new Error(`The tables are not what the log says: ${verified.differences}`);
  }
}
