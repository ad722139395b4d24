import type { ClientRecord, OfClaim, OutcomeRecord } from './client-record.ts';

/** What clients have said about one claim. */
export interface ClaimRecords {
  readonly jobId: string;
  starts: number;
  returned: number;
  /** Hashes of the results that its handlers gave, where they told them. */
  readonly resultHashes: string[];
  readonly outcomes: Pick<OutcomeRecord, 'verb' | 'answer'>[];
}

/** Records by what they are about, so that a log can be held against them as it is read. */
export interface ClientRecords {
  /** Jobs whose submission was acknowledged. */
  readonly submitted: Set<string>;
  /** By stream, the versions whose write was acknowledged. */
  readonly written: Map<string, Set<number>>;
  /** By claim, see `claimKey`; one claim may stand under two keys. */
  readonly claims: Map<string, ClaimRecords>;
  /** How many records of each kind there were. */
  readonly counts: Readonly<Record<ClientRecord['kind'], number>>;
}

/** By what a claim is named: the version of its JobClaimed, or its lease token. */
export function claimKey(jobId: string, claim: number | string): string {
  return `${jobId} ${claim}`.toLowerCase();
}

/** Sorts records. @throws Error for one that names no claim */
export function sortClientRecords(records: Iterable<ClientRecord>): ClientRecords {
  const counts = { submitted: 0, written: 0, 'handler-started': 0, 'handler-ended': 0, outcome: 0 };
  const sorted: ClientRecords = {
    submitted: new Set(),
    written: new Map(),
    claims: new Map(),
    counts,
  };
  for (const record of records) {
    counts[record.kind] += 1;
    switch (record.kind) {
      case 'submitted':
        sorted.submitted.add(record.jobId.toLowerCase());
        break;
      case 'written': {
        const versions = sorted.written.get(record.streamId) ?? new Set();
        sorted.written.set(record.streamId, versions.add(record.version));
        break;
      }
      case 'handler-started':
        claimOf(sorted, record).starts += 1;
        break;
      case 'outcome': {
        const { verb, answer } = record;
        claimOf(sorted, record).outcomes.push({ verb, answer });
        break;
      }
      case 'handler-ended': {
        const claim = claimOf(sorted, record);
        if (record.how === 'returned') claim.returned += 1;
        if (record.resultHash !== undefined) claim.resultHashes.push(record.resultHash);
        break;
      }
    }
  }
  return sorted;
}

const kinds: Readonly<Record<ClientRecord['kind'], readonly string[]>> = {
  submitted: ['jobId'],
  written: ['streamId', 'version'],
  'handler-started': ['jobId'],
  'handler-ended': ['jobId', 'how'],
  outcome: ['jobId', 'verb', 'answer'],
};

/**
 * Reads the text of a file of records, a JSON document per line. A last line without its end is left
 * out: whoever wrote it was killed meanwhile.
 * @throws Error for any other line that is no record, naming it
 */
export function* parseClientRecords(text: string): Generator<ClientRecord> {
  const lines = text.split('\n');
  lines.pop();
  for (const [index, line] of lines.entries()) {
    if (line.trim() === '') continue;
    const record = recordOf(line);
    if (record === null) throw new Error(`Line ${index + 1} is no client record: ${line}`);
    yield record;
  }
}

function recordOf(line: string): ClientRecord | null {
  try {
    const value = JSON.parse(line) as Record<string, unknown>;
    const { kind } = value;
    if (typeof kind !== 'string' || !Object.hasOwn(kinds, kind)) return null;
    const fields = kinds[kind as ClientRecord['kind']];
    if (fields.some((field) => value[field] === undefined)) return null;
    return namesClaim(value as never) ? (value as never) : null;
  } catch {
    // No JSON: the caller says which line.
    return null;
  }
}

function namesClaim(record: ClientRecord): boolean {
  if (record.kind === 'submitted' || record.kind === 'written') return true;
  return record.claimVersion !== undefined || record.leaseToken !== undefined;
}

function claimOf({ claims }: ClientRecords, { jobId, claimVersion, leaseToken }: OfClaim) {
  const claim = claimVersion ?? leaseToken;
  if (claim === undefined) throw new Error(`A record of the job ${jobId} names no claim.`);
  const key = claimKey(jobId, claim);
  const known = claims.get(key) ?? noRecords(jobId.toLowerCase());
  claims.set(key, known);
  return known;
}

/** Nothing was said about a claim of this job. */
export function noRecords(jobId: string): ClaimRecords {
  return { jobId, starts: 0, returned: 0, resultHashes: [], outcomes: [] };
}
