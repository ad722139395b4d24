/** A rule of a statement, broken, and the tests that must notice. */
export interface SqlMutant {
  /** Below src/store/statements. */
  readonly file: string;
  /** What the broken statement does. */
  readonly does: string;
  /** Stands in the file once. */
  readonly rule: string;
  readonly broken: string;
  /** Below test/integration. */
  readonly tests: readonly string[];
}

const order = ['store/sequencer-order'];
const twoAtOnce = ['store/sequencer-two-at-once'];
const sequencing = [...order, ...twoAtOnce];
const expiry = ['commands/expiry', 'commands/expiry-races', 'commands/expiry-decides'];

function of(
  file: string,
  tests: readonly string[],
  table: readonly (readonly [string, string, string])[],
): SqlMutant[] {
  return table.map(([does, rule, broken]) => ({ file, does, rule, broken, tests }));
}

/** Rules whose loss would show in the log or the claim table only later, and then badly. */
export const sqlMutants: readonly SqlMutant[] = [
  ...of('sequence-inbox.ts', sequencing, [
    [
      'moves with a tick that is past',
      'where h.tick = $1 and (h.missing_ranges',
      'where (h.missing_ranges',
    ],
    ['moves without a lock on the head', 'for update of h', ''],
    ['forgets missing numbers by xmax', 'pg_snapshot_xmin(', 'pg_snapshot_xmax('],
    ['forgets missing numbers at once', 'where old.fence > pg', 'where old.fence < pg'],
    [
      'keeps missing numbers for ever',
      'where old.fence > pg_snapshot_xmin(pg_current_snapshot())',
      'where true',
    ],
    [
      'keeps missing numbers with too low an id',
      'pg_current_xact_id()',
      'pg_snapshot_xmax(pg_current_snapshot())',
    ],
    [
      'never looks for late numbers',
      'where i.seq >= lower(gap.range)',
      'where false and i.seq >= lower(gap.range)',
    ],
    [
      'overlooks the first number of a gap',
      'i.seq >= lower(gap.range)',
      'i.seq > lower(gap.range)',
    ],
    ['remembers no missing numbers', 'where not isempty(ranges)', 'where false'],
    [
      'takes every batch for one without holes',
      'when size = last_seq - first_seq + 1',
      'when true',
    ],
    [
      'does not remember what is missing before a batch',
      "int8range(head.highest_seq, batch.last_seq, '(]')",
      "int8range(batch.last_seq, batch.last_seq, '(]')",
    ],
    [
      'moves late numbers after new ones',
      'row_number() over (order by t.seq)',
      'row_number() over (order by t.seq desc)',
    ],
    [
      'tells positions from numbers across a hole',
      'size = last_seq - first_seq + 1 as whole',
      'true as whole',
    ],
    ['tells positions from the wrong number', 'b.first_seq + 1 from', 'b.first_seq from'],
    [
      'leaves a hole between batches',
      'position = h.position + batch.size,',
      'position = h.position + batch.size + 1,',
    ],
    [
      'does not raise the highest number',
      'highest_seq = greatest(h.highest_seq, batch.last_seq)',
      'highest_seq = h.highest_seq',
    ],
    [
      'lets the time of batches run backwards',
      'recorded_at = greatest(h.recorded_at, ${now})',
      'recorded_at = ${now}',
    ],
    ['forgets groups that it keeps as one', 'max(fence) as fence', 'min(fence) as fence'],
    [
      'skips the first new number',
      'where i.seq >= (select next_seq from head) and',
      'where i.seq > (select next_seq from head) and',
    ],
  ]),
  ...of('take-duty.ts', twoAtOnce, [
    [
      'takes a duty from who holds it',
      'where d.holder = excluded.holder or d.held_until < statement_timestamp()',
      '',
    ],
    ['never takes a duty over', ' or d.held_until < statement_timestamp()', ''],
    ['does not keep its own duty', 'd.holder = excluded.holder or ', ''],
  ]),
  ...of(
    'submit-jobs.ts',
    ['commands/submit-once', 'commands/unique-keys'],
    [
      [
        'gives birth to a stream twice',
        'from input i join born on born.job_id = i.id, clock',
        'from input i, clock',
      ],
      [
        'appends events of jobs that were not born',
        'from input i join claimable on claimable.id = i.id, clock',
        'from input i left join claimable on claimable.id = i.id, clock',
      ],
    ],
  ),
  ...of(
    'claim-jobs.ts',
    ['commands/claims', 'commands/fencing'],
    [
      ['claims what is not due', 'and c.run_at <= statement_timestamp()', ''],
      ['claims what is claimed', 'and c.lease_token is null', ''],
      ['waits for rows that others hold', 'for update of c skip locked', 'for update of c'],
      ['claims from a paused queue', ' and not q.paused', ''],
      ['claims for a session whose lease lapsed', ' and s.lease_until > statement_timestamp()', ''],
      ['claims for a session that ended', ' and s.ended_at is null', ''],
      [
        'gives every claim the same token',
        'lease_token = gen_random_uuid()',
        "lease_token = '00000000-0000-4000-8000-000000000000'",
      ],
      ['takes suspects for others', 'and c.suspect = $3 ', ''],
      ['claims any number of bytes', 'where before < $5', ''],
    ],
  ),
  ...of(
    'complete-jobs.ts',
    [
      'commands/fencing',
      'commands/exactly-once-effect',
      'commands/callers-transaction',
      'commands/completion-locks',
      'commands/results',
    ],
    [
      [
        'takes outcomes of lost leases',
        '(c.id, c.lease_token) in (select id, token from input)',
        'true',
      ],
      [
        'takes the token of another job',
        '(c.id, c.lease_token) in (select id, token from input)',
        'c.lease_token in (select token from input)',
      ],
      [
        'stores results of lost leases',
        ' and coalesce(given.id in (select id from ended), false)',
        '',
      ],
      ['lets a stale completion commit', 'when $5 and count(*) < cardinality($1)', 'when false'],
      [
        'raises where everything was recorded',
        'count(*) < cardinality($1)',
        'count(*) <= cardinality($1)',
      ],
    ],
  ),
  ...of(
    'complete-jobs.ts',
    ['commands/deadlocks'],
    [['locks claims in any order', 'order by c.id', '']],
  ),
  ...of(
    'commit-decisions.ts',
    ['commands/stale-decisions', 'commands/deadlocks'],
    [
      ['keeps decisions on what has changed since', ' and c.version = d.expected', ''],
      ['revives what has changed since', ' and j.version = d.expected', ''],
      ['appends events of decisions that were not kept', 'join kept on kept.id = e.stream_id', ''],
    ],
  ),
  ...of('expire-claims.ts', expiry, [
    [
      'takes jobs from sessions that live',
      '(s.ended_at is not null or s.lease_until < statement_timestamp())',
      'true',
    ],
    ['takes jobs of sessions that ended for held', 's.ended_at is not null or ', ''],
    [
      'counts every interruption as a crash',
      'crashes = c.crashes + (c.suspect and c.start_marked)::int',
      'crashes = c.crashes + 1',
    ],
    [
      'takes every interrupted job for a crashed one',
      'c.suspect and c.start_marked as crashed',
      'true as crashed',
    ],
    ['makes no suspects', 'suspect = true,', ''],
    ['lets crashing jobs live for ever', 'c.crashes + 1 >= ${maxCrashes}', 'false'],
    [
      'forgets wishes to cancel',
      "when c.cancel_requested then 'cancelled'",
      "when false then 'cancelled'",
    ],
    [
      'settles a session at once',
      'settled = exists (select from closed where closed.id = s.id) and not exists',
      'settled = not exists',
    ],
  ]),
  ...of(
    'verify/read-snapshot.ts',
    ['verify/live'],
    [
      [
        'lets verify read in two snapshots',
        'isolation level repeatable read',
        'isolation level read committed',
      ],
    ],
  ),
];
