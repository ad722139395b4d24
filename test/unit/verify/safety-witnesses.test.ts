import { describe, expect, it } from 'vitest';
import type {
  ClientRecord,
  OutcomeRecord,
} from '../../../src/verify/safety/witnesses/client-record.ts';
import { parseClientRecords } from '../../../src/verify/safety/witnesses/client-records.ts';
import { claim, idOf, judge, submitted, tell, type Told } from '../../support/told-history.ts';

const error = { name: 'Error', message: 'boom' };
const jobId = idOf('a');
/** a loses its first worker, fails in its second claim and is completed in its third. */
const history: readonly Told[] = [
  tell('queue', 'QueueCreated', 0, { name: 'default' }),
  tell('a', 'JobSubmitted', 1_000, submitted),
  claim('a', 2_000, 1, 'first'),
  tell('a', 'JobInterrupted', 3_000, { reason: 'lease-expired' }),
  claim('a', 4_000, 1, 'second'),
  tell('a', 'JobFailed', 5_000, { attempt: 1, error }),
  tell('a', 'JobRetried', 5_000, { runAtMs: claim('a', 5_000).atMs }),
  claim('a', 6_000, 2, 'third'),
  tell('a', 'JobCompleted', 7_000, { resultHash: 'hash', resultBytes: 4 }),
];
const FIRST = 2;
const SECOND = 4;
const THIRD = 7;

const outcome = (
  leaseToken: string,
  verb: OutcomeRecord['verb'],
  answer: OutcomeRecord['answer'],
): ClientRecord => ({ kind: 'outcome', jobId, leaseToken, verb, answer });
const started = (claimVersion: number): ClientRecord => ({
  kind: 'handler-started',
  jobId,
  claimVersion,
});
const ended = (claimVersion: number, resultHash?: string): ClientRecord => ({
  kind: 'handler-ended',
  jobId,
  claimVersion,
  how: claimVersion === SECOND ? 'threw' : 'returned',
  ...(resultHash === undefined ? {} : { resultHash }),
});

const sound: readonly ClientRecord[] = [
  { kind: 'submitted', jobId },
  { kind: 'written', streamId: idOf('queue'), version: 1 },
  started(FIRST),
  started(SECOND),
  ended(SECOND),
  started(THIRD),
  ended(THIRD, 'hash'),
  outcome('second', 'fail', 'recorded'),
  outcome('third', 'complete', 'recorded'),
  outcome('third', 'complete', 'already-recorded'),
  // The first worker woke up: late once and twice, while others had the job and when it was done.
  ended(FIRST, 'late'),
  outcome('first', 'complete', 'lease-lost'),
  // A failure that is told again after the next claim has ended is not known any more.
  outcome('second', 'fail', 'lease-lost'),
];

const rulesOf = (witnessed: readonly ClientRecord[], events = history) =>
  judge(events, { witnessed }).violations.map(({ rule, version }) => [rule, version]);

it('finds nothing in what fits, and counts it', () => {
  const { violations, facts } = judge(history, { witnessed: sound });
  expect(violations).toEqual([]);
  expect(facts.witnessed).toEqual({
    executions: 3,
    executionsWithoutOutcome: 1,
    rejectedOutcomes: 2,
  });
});

describe('a history that does not fit what was witnessed is named by its rule', () => {
  it.each<[rule: string, version: number | null, extra: ClientRecord]>([
    ['submission-missing', null, { kind: 'submitted', jobId: idOf('lost') }],
    ['write-missing', 2, { kind: 'written', streamId: idOf('queue'), version: 2 }],
    ['outcome-missing', 3, outcome('first', 'complete', 'recorded')],
    ['outcome-missing', 5, outcome('second', 'complete', 'already-recorded')],
    ['outcome-missing', null, outcome('unheard of', 'complete', 'recorded')],
    ['claim-run-twice', 8, started(THIRD)],
    ['run-without-claim', null, started(99)],
  ])('%s (version %s)', (rule, version, extra) => {
    expect(rulesOf([...sound, extra])).toEqual([[rule, version]]);
  });

  it('rejected-outcome-recorded: the log has what was answered lease-lost', () => {
    const others = sound.filter(({ kind }) => kind !== 'outcome');
    const rejected = outcome('third', 'complete', 'lease-lost');
    expect(rulesOf([...others, rejected])).toEqual([['rejected-outcome-recorded', 8]]);
    // Tried before with an unknown answer, and then refused in a transaction.
    expect(rulesOf([...others, outcome('third', 'complete', 'unknown'), rejected])).toEqual([]);
  });

  it('rejected-outcome-recorded: of a failure only while its claim is the newest that ended', () => {
    const rejected = outcome('second', 'fail', 'lease-lost');
    const cut = history.slice(0, THIRD);
    const others = sound.slice(0, 5);
    expect(rulesOf([...others, rejected], cut)).toEqual([['rejected-outcome-recorded', 5]]);
    expect(rulesOf([...sound, rejected])).toEqual([]);
  });

  it('completed-without-run: no handler began, or none returned', () => {
    const isThird = (record: ClientRecord) =>
      'claimVersion' in record && record.claimVersion === THIRD;
    const none = sound.filter((record) => !isThird(record));
    expect(rulesOf(none)).toEqual([['completed-without-run', 8]]);
    const unreturned = sound.filter(
      (record) => record.kind !== 'handler-ended' || !isThird(record),
    );
    expect(rulesOf(unreturned)).toEqual([['completed-without-run', 8]]);
  });

  it('result-of-another: the stale worker’s result was recorded for the claim of another', () => {
    const stale = history.with(THIRD + 1, tell('a', 'JobCompleted', 7_000, { resultHash: 'late' }));
    expect(rulesOf(sound, stale)).toEqual([['result-of-another', 8]]);
  });

  it('outcome-missing: acknowledged, and the claim is still open', () => {
    expect(rulesOf([outcome('third', 'complete', 'recorded')], history.slice(0, -1))).toEqual([
      ['outcome-missing', null],
    ]);
  });
});

describe('files of records', () => {
  it('are read line by line, and a torn last line is left out', () => {
    const [first, second] = sound;
    const text = `${JSON.stringify(first)}\n\n${JSON.stringify(second)}\n{"kind":"submi`;
    expect([...parseClientRecords(text)]).toEqual([first, second]);
  });

  it.each([
    ['no JSON', '{"kind":"submi'],
    ['an unknown kind', '{"kind":"toString"}'],
    ['a field too few', '{"kind":"submitted"}'],
    ['no object', 'null'],
  ])('are refused for a line with %s', (_, line) => {
    expect(() => [...parseClientRecords(`${line}\n`)]).toThrow(/^Line 1 is no client record/);
  });

  it('are refused for a run that names no claim', () => {
    expect(() => judge(history, { witnessed: [{ kind: 'handler-started', jobId }] })).toThrow(
      /names no claim/,
    );
  });
});
