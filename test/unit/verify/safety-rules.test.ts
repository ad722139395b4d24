import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { safetyRules } from '../../../src/verify/safety/violation.ts';
import { claim, idOf, judge, submitted, tell, type Told } from '../../support/told-history.ts';

const error = { name: 'Error', message: 'boom' };

/** A sound history with every turn that a job can take. Times grow by seconds. */
const history: readonly Told[] = [
  tell('queue', 'QueueCreated', 0, { name: 'default' }),
  // a fails once, and is completed.
  tell('a', 'JobSubmitted', 1_000, submitted),
  claim('a', 2_000),
  tell('a', 'JobFailed', 3_000, { attempt: 1, error }),
  tell('a', 'JobRetried', 3_000, { runAtMs: claim('a', 5_000).atMs }),
  claim('a', 6_000, 2),
  tell('a', 'JobCompleted', 7_000, {}),
  // b loses its worker, and is cancelled; only then may c have its unique key.
  tell('b', 'JobSubmitted', 8_000, { ...submitted, uniqueKey: 'k' }),
  claim('b', 9_000),
  tell('b', 'JobInterrupted', 10_000, { reason: 'lease-expired' }),
  claim('b', 11_000),
  tell('b', 'JobCancelRequested', 12_000, { reason: null }),
  tell('b', 'JobSnoozed', 13_000, { runAtMs: claim('b', 99_000).atMs }),
  tell('b', 'JobCancelled', 13_000, { reason: null }),
  tell('c', 'JobSubmitted', 14_000, { ...submitted, uniqueKey: 'k' }),
  // c dies and comes back; the queue rests meanwhile.
  claim('c', 15_000),
  tell('queue', 'QueuePaused', 16_000, { reason: null }),
  tell('c', 'JobFailed', 17_000, { attempt: 1, error }),
  tell('c', 'JobDead', 17_000, { reason: 'not-retryable' }),
  tell('c', 'JobRetried', 18_000, {
    runAtMs: claim('c', 18_000).atMs,
    reason: 'again',
    revived: { maxAttempts: 3 },
  }),
  tell('queue', 'QueueResumed', 19_000, { reason: null }),
  claim('c', 20_000, 2),
  tell('c', 'JobCompleted', 21_000, {}),
  tell('a', 'PayloadErased', 22_000, { reason: null }),
];

const at = (stream: string, version: number): number => {
  const places = history.flatMap((event, index) => (event.stream === stream ? [index] : []));
  return places[version - 1] ?? -1;
};

/** The history with events in the place of one, or added behind it. */
const instead = (index: number, ...events: Told[]) => history.toSpliced(index, 1, ...events);
const behind = (index: number, ...events: Told[]) => history.toSpliced(index + 1, 0, ...events);
const changed = (index: number, change: Partial<Told>) =>
  instead(index, { ...(history[index] as Told), ...change });

const dataOf = (index: number) => history[index]?.data as object;

function rulesOf(events: readonly Told[]): unknown[] {
  return judge(events).violations.map(({ rule, streamId }) => [rule, streamId]);
}

it('finds nothing in a sound history, and counts it', () => {
  const { safe, violations, facts } = judge(history, { everyJobEnded: true });
  expect(violations).toEqual([]);
  expect(safe).toBe(true);
  expect(facts).toEqual({
    events: history.length,
    jobs: 3,
    claims: 6,
    interrupted: 1,
    live: 0,
    completed: 2,
    cancelled: 1,
    dead: { 'attempts-exhausted': 0, 'not-retryable': 0, 'crashes-its-worker': 0 },
    witnessed: null,
  });
});

describe('a tampered history is named by its rule', () => {
  it.each<[rule: string, stream: string, events: readonly Told[]]>([
    ['one-lease', 'a', behind(at('a', 2), claim('a', 2_100))],
    ['one-lease', 'b', instead(at('b', 3))],
    ['outcome-without-claim', 'a', instead(at('a', 2))],
    ['outcome-without-claim', 'b', instead(at('b', 2))],
    ['outcome-twice', 'a', instead(at('a', 5))],
    ['outcome-twice', 'a', behind(at('a', 6), tell('a', 'JobCompleted', 7_100, {}))],
    [
      'outcome-twice',
      'c',
      behind(at('c', 4), tell('c', 'JobFailed', 17_100, { attempt: 1, error })),
    ],
    ['attempt-number', 'a', changed(at('a', 5), { data: { ...dataOf(at('a', 5)), attempt: 1 } })],
    ['attempt-number', 'b', changed(at('b', 4), { data: { ...dataOf(at('b', 4)), attempt: 2 } })],
    ['attempt-number', 'c', changed(at('c', 3), { data: { attempt: 2, error } })],
    ['claimed-early', 'a', changed(at('a', 5), { atMs: claim('a', 4_999).atMs })],
    // c dies no more, and so holds its key while b still lives.
    ['unique-key-twice', 'c', instead(at('b', 7))],
    ['stream-illegal', 'a', behind(at('a', 6), claim('a', 7_100, 3))],
    ['stream-illegal', 'a', instead(at('a', 1))],
    ['stream-illegal', 'c', instead(at('c', 4))],
    ['stream-illegal', 'queue', instead(at('queue', 2))],
    ['stream-illegal', 'queue', instead(at('queue', 1))],
  ])('%s of %s (%#)', (rule, stream, events) => {
    expect(rulesOf(events)).toContainEqual([rule, idOf(stream)]);
  });

  it('position-wrong: a hole, and a place taken twice', () => {
    const hole = judge(history, { positionOf: (index) => (index < 5 ? index + 1 : index + 2) });
    expect(hole.violations).toMatchObject([
      { rule: 'position-wrong', position: '7', detail: 'position 6 should stand here' },
    ]);
    const twice = judge(history, { positionOf: (index) => (index < 5 ? index + 1 : index) });
    expect(twice.counts).toEqual({ 'position-wrong': 1 });
  });

  it('job-not-ended, where every job should have ended', () => {
    const cut = history.slice(0, at('c', 6) + 1);
    expect(judge(cut).safe).toBe(true);
    expect(judge(cut, { everyJobEnded: true }).violations).toEqual([
      {
        rule: 'job-not-ended',
        streamId: idOf('c'),
        version: 6,
        position: null,
        detail: 'the job is running',
      },
    ]);
  });

  it('only once per stream: the rest is an echo', () => {
    expect(rulesOf(instead(at('a', 2)))).toHaveLength(1);
  });
});

it('docs/guides/safety.md lists the rules, and says of each when it is broken', () => {
  const guide = readFileSync('docs/guides/safety.md', 'utf8');
  const [, table = ''] = /## The rules\n([^#]+)/.exec(guide) ?? [];
  const rows = [...table.matchAll(/^\| `([a-z-]+)` \| (.+) \|$/gm)];
  expect(Object.fromEntries(rows.map(([, rule, meaning]) => [rule, meaning]))).toEqual(safetyRules);
});
