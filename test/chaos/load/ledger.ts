/** A submission, as the client who made it knows it. */
export interface Submission {
  /** Its number, unique among all submissions of a run; payload and correlation id carry it. */
  readonly n: number;
  readonly type: string;
}

/** A submission that was acknowledged. */
export interface Acknowledged extends Submission {
  readonly id: string;
  /** Somebody asked to cancel it, and it may or may not have come in time. */
  cancelAsked: boolean;
}

/** What clients were told, to be held against the log in the end. */
export interface Ledger {
  readonly acknowledged: ReadonlyMap<string, Acknowledged>;
  /** Answers that should not have been given. */
  readonly wrong: readonly string[];
  acknowledge(id: string, submission: Submission): void;
  /** One of the newest that were acknowledged; undefined as long as there is none. */
  recent(choose: (count: number) => number): Acknowledged | undefined;
  complain(what: string): void;
}

const RECENT = 200;

/** @param onAcknowledged told of each job, once */
export function createLedger(onAcknowledged: (jobId: string) => void): Ledger {
  const acknowledged = new Map<string, Acknowledged>();
  const recent: Acknowledged[] = [];
  const wrong: string[] = [];
  return {
    acknowledged,
    wrong,
    acknowledge(id, submission) {
      const known = acknowledged.get(id);
      if (known !== undefined) {
        if (known.n !== submission.n)
          wrong.push(`${id} was answered to ${known.n} and ${submission.n}`);
        return;
      }
      const added = { ...submission, id, cancelAsked: false };
      acknowledged.set(id, added);
      recent.push(added);
      if (recent.length > RECENT) recent.shift();
      onAcknowledged(id);
    },
    recent: (choose) => recent[choose(recent.length)],
    complain: (what) => wrong.push(what),
  };
}
