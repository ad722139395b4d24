import type {
  ClientRecord,
  OfClaim,
  OutcomeRecord,
} from '../../src/verify/safety/witnesses/client-record.ts';
import type { Outcome } from './commands.ts';

/** Where the clients of a run write down what they see. */
export interface WitnessBook {
  readonly records: ClientRecord[];
  write(record: ClientRecord): void;
  /** What was answered to an outcome. */
  answered(claim: OfClaim, verb: OutcomeRecord['verb'], code: Outcome['code']): void;
}

const answers: Partial<Record<Outcome['code'], OutcomeRecord['answer']>> = {
  kept: 'recorded',
  'already-recorded': 'already-recorded',
  'lease-lost': 'lease-lost',
  'job-not-found': 'lease-lost',
  unknown: 'unknown',
};

export function createWitnessBook(): WitnessBook {
  const records: ClientRecord[] = [];
  return {
    records,
    write: (record) => void records.push(record),
    answered(claim, verb, code) {
      const answer = answers[code];
      if (answer !== undefined) records.push({ kind: 'outcome', ...claim, verb, answer });
    },
  };
}
