import type { RecordedEvent } from '../../../domain/event-types.ts';
import type { RecordedJobEvent } from '../../../domain/job/events.ts';
import type { JobState } from '../../../domain/job/state.ts';
import { type ClaimRecords, claimKey, type ClientRecords, noRecords } from './client-records.ts';
import { breachesOfClaim, rejectedYetRecorded } from './witnessed-claim.ts';
import type { Violations } from '../violation.ts';

/** Holds the log against what clients have witnessed. */
export interface Witnesses {
  /** Takes every event. */
  heard(event: RecordedEvent): void;
  /** Takes a job as it was before an event, and as it is now. */
  changed(before: JobState | null, after: JobState, event: RecordedJobEvent): void;
  /** The log has ended: what it should hold and does not is missing. */
  end(): void;
  readonly facts: WitnessedFacts;
}

export interface WitnessedFacts {
  /** Runs of handlers. */
  executions: number;
  /** Those among them whose outcome is not in the log: their claim was interrupted, or is still open. */
  executionsWithoutOutcome: number;
  /** Outcomes that were answered `lease-lost`. */
  rejectedOutcomes: number;
}

/** A claim that has not ended. */
interface OpenClaim {
  readonly version: number;
  readonly token: string;
}

/**
 * What is promised to those outside, and only they can witness: nothing acknowledged is missing; what
 * was rejected has changed nothing; nothing is completed that did not run. The events that end a claim
 * carry no lease token, so it takes these records to see that it was the right holder who ended it.
 * @param records used up: what has been found is taken out
 */
export function createWitnesses(records: ClientRecords, violations: Violations): Witnesses {
  const { submitted, written, claims, counts } = records;
  const asks = { starts: counts['handler-started'] > 0, ends: counts['handler-ended'] > 0 };
  const facts = { executions: 0, executionsWithoutOutcome: 0, rejectedOutcomes: 0 };
  /** By job. */
  const open = new Map<string, OpenClaim>();
  /** By job: a rejected outcome that the log has recorded. Wrong, unless a later claim ends. */
  const contradicted = new Map<string, { readonly event: RecordedJobEvent; detail: string }>();
  for (const { starts, outcomes } of claims.values()) {
    facts.executions += starts;
    facts.rejectedOutcomes += outcomes.filter(({ answer }) => answer === 'lease-lost').length;
  }

  /** What was said about the open claim of a job, under either of its names. */
  const closeClaim = (jobId: string): ClaimRecords => {
    const claim = open.get(jobId);
    open.delete(jobId);
    return claim === undefined ? noRecords(jobId) : takeRecords(claims, jobId, claim);
  };

  return {
    facts,
    heard({ streamId, version }) {
      const versions = written.get(streamId);
      if (versions?.delete(version) === true && versions.size === 0) written.delete(streamId);
    },
    changed(before, after, event) {
      const { id } = after;
      if (event.type === 'JobSubmitted') submitted.delete(id);
      if (event.type === 'JobClaimed') {
        closeClaim(id);
        open.set(id, { version: event.version, token: event.data.leaseToken });
        return;
      }
      const hasEnded = (before?.lease ?? null) !== null && after.lease === null;
      if (!hasEnded || after.lastOutcome === null) return;
      const claim = closeClaim(id);
      const { outcome } = after.lastOutcome;
      if (outcome === 'expired' || outcome === 'released') {
        facts.executionsWithoutOutcome += claim.starts;
      }
      for (const { rule, detail } of breachesOfClaim(claim, after, asks)) {
        violations.add(rule, event, detail);
      }
      const detail = rejectedYetRecorded(claim, outcome);
      contradicted.delete(id);
      if (detail !== null) contradicted.set(id, { event, detail });
    },
    end() {
      for (const streamId of submitted) {
        violations.add('submission-missing', { streamId }, 'it was acknowledged');
      }
      for (const [streamId, versions] of written) {
        for (const version of versions) {
          violations.add('write-missing', { streamId, version }, 'it was acknowledged');
        }
      }
      for (const { event, detail } of contradicted.values()) {
        violations.add('rejected-outcome-recorded', event, detail);
      }
      for (const id of open.keys()) {
        const claim = closeClaim(id);
        facts.executionsWithoutOutcome += claim.starts;
        addMissingOutcomes(violations, claim, 'and the log has the claim still open');
      }
      for (const claim of claims.values()) {
        if (claim.starts > 0) {
          const detail = 'a handler ran for a claim that is not in the log';
          violations.add('run-without-claim', { streamId: claim.jobId }, detail);
        }
        addMissingOutcomes(violations, claim, 'and the log has no such claim');
      }
    },
  };
}

function takeRecords(
  claims: ClientRecords['claims'],
  jobId: string,
  { version, token }: OpenClaim,
): ClaimRecords {
  const both = [version, token].flatMap((name) => {
    const key = claimKey(jobId, name);
    const found = claims.get(key);
    claims.delete(key);
    return found ?? [];
  });
  return both.reduce(
    (sum, each) => ({
      jobId,
      starts: sum.starts + each.starts,
      returned: sum.returned + each.returned,
      resultHashes: [...sum.resultHashes, ...each.resultHashes],
      outcomes: [...sum.outcomes, ...each.outcomes],
    }),
    noRecords(jobId),
  );
}

function addMissingOutcomes(violations: Violations, claim: ClaimRecords, but: string): void {
  for (const { verb, answer } of claim.outcomes) {
    if (answer !== 'recorded' && answer !== 'already-recorded') continue;
    const detail = `${verb} was answered ${answer}, ${but}`;
    violations.add('outcome-missing', { streamId: claim.jobId }, detail);
  }
}
