import type { JobState, LastOutcome } from '../../../domain/job/state.ts';
import type { OutcomeRecord } from './client-record.ts';
import type { ClaimRecords } from './client-records.ts';
import type { Breach } from '../job-legality.ts';

const recordedAs: Readonly<Record<OutcomeRecord['verb'], LastOutcome['outcome']>> = {
  complete: 'completed',
  fail: 'failed',
  snooze: 'snoozed',
  release: 'released',
};

/** Which kinds of records are kept, so that one that is absent says something. */
export interface AskedFor {
  readonly starts: boolean;
  readonly ends: boolean;
}

/**
 * What does not fit between the end of a claim and what was said about it.
 * @param after the job once the claim has ended
 */
export function breachesOfClaim(
  claim: ClaimRecords,
  after: JobState,
  asks: AskedFor,
): readonly Breach[] {
  const outcome = after.lastOutcome?.outcome;
  const found: Breach[] = claim.outcomes.flatMap(({ verb, answer }) => {
    const isAcknowledged = answer === 'recorded' || answer === 'already-recorded';
    if (!isAcknowledged || recordedAs[verb] === outcome) return [];
    const detail = `${verb} was answered ${answer}, and the log says ${outcome ?? 'nothing'}`;
    return { rule: 'outcome-missing' as const, detail };
  });
  if (claim.starts > 1) {
    found.push({ rule: 'claim-run-twice', detail: `${claim.starts} handlers ran for one claim` });
  }
  const unearned = outcome === 'completed' ? whyUnearned(claim, after.resultHash, asks) : null;
  return unearned === null ? found : [...found, unearned];
}

/** Why a claim cannot have been completed by its own handler; null when it can. */
function whyUnearned(
  { starts, returned, resultHashes }: ClaimRecords,
  resultHash: string | null,
  asks: AskedFor,
): Breach | null {
  const rule = 'completed-without-run';
  if (asks.starts && starts === 0) return { rule, detail: 'no handler ran for this claim' };
  if (asks.ends && returned === 0) return { rule, detail: 'its handler never returned' };
  if (resultHashes.length === 0 || resultHashes.includes(resultHash ?? '')) return null;
  return { rule: 'result-of-another', detail: 'its own handler gave another result' };
}

/**
 * The rejected outcome that the log has recorded; null for none. A rejection is wrong for as long as the
 * claim is the newest that has ended: until then a repeated outcome is answered `already-recorded`. But
 * a completion in a transaction is refused when it is repeated, so one that was tried before says nothing.
 */
export function rejectedYetRecorded(
  { outcomes }: ClaimRecords,
  outcome: LastOutcome['outcome'],
): string | null {
  const tries = outcomes.filter(({ verb }) => recordedAs[verb] === outcome);
  if (tries.length === 0 || tries.some(({ answer }) => answer !== 'lease-lost')) return null;
  return `its outcome was answered lease-lost, and the log says ${outcome}`;
}
