import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RecordedJobEvent } from '../../src/domain/job/events.ts';
import { evolveJob } from '../../src/domain/job/evolve.ts';
import {
  type JobPhase,
  type JobState,
  type JobStatus,
  phaseOf,
} from '../../src/domain/job/state.ts';
import { listJobsAt } from '../../src/api/time-travel/jobs-at.ts';
import type { ListedJob } from '../../src/projections/job-status/queries.ts';
import { jobsAt, longestAt } from '../../src/projections/job-spans/queries.ts';
import { readQueueCountersAt } from '../../src/projections/queue-counters/queries.ts';
import { statusCodes } from '../../src/projections/job-status/status-codes.ts';
import { landmarkBefore } from '../../src/projections/landmarks.ts';
import { projections } from '../../src/projections/registry.ts';
import { decodeEvent, type RecordedEvent } from '../../src/store/event-codec.ts';
import { verify } from '../../src/verify/verify.ts';
import { sequenceAll, wholeLog } from '../support/log-steps.ts';
import { stopPostgres15, versionsUnderTest } from '../support/postgres-servers.ts';
import { applyLive, prepareReadModels } from '../support/read-models.ts';
import { stretchLog } from '../support/stretched-log.ts';
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts';
import { move, play, queues } from './projections-history.ts';

afterAll(() => stopPostgres15());

const statuses = Object.keys(statusCodes) as JobStatus[];
const everyId = {
  from: '00000000-0000-0000-0000-000000000000',
  below: 'ffffffff-ffff-ffff-ffff-ffffffffffff',
};
/** Positions from one event to the next: some landmarks lie between any few of them. */
const FACTOR = 3_001;

/** A job in the fold, and the position at which its present status and queue began. */
type Standing = JobState & { readonly since: bigint };

function foldUpTo(events: readonly RecordedEvent[], position: bigint): Map<string, Standing> {
  const jobs = new Map<string, Standing>();
  for (const event of events) {
    if ((event.position ?? 0n) > position) break;
    if (event.type.startsWith('Queue')) continue;
    const before = jobs.get(event.streamId) ?? null;
    const after = evolveJob(before, event as RecordedJobEvent);
    const stays = before?.status === after.status && before.queue === after.queue;
    // Moved to where it was: the job stands in its queue anew.
    const since = stays && event.type !== 'JobMoved' ? before.since : event.position;
    jobs.set(event.streamId, { ...after, since: since ?? 0n });
  }
  return jobs;
}

interface Asked {
  readonly phases?: readonly JobPhase[] | undefined;
  readonly tag?: string | undefined;
  readonly error?: string | undefined;
  readonly type?: string | undefined;
}

function matches(job: Standing, { phases, tag, error, type }: Asked, timeMs: number): boolean {
  return (
    (phases?.includes(phaseOf(job, timeMs)) ?? true) &&
    (tag === undefined || job.tags.includes(tag)) &&
    (error === undefined ||
      job.lastError?.name === error ||
      (job.lastError?.message.includes(error) ?? false)) &&
    (type === undefined || job.type === type)
  );
}

/** What lists show as it stands in the fold. */
function shown(job: Standing | ListedJob) {
  const { id, version, queue, type, status, priority, failures, maxAttempts, runAtMs, tags } = job;
  return { id, version, queue, type, status, priority, failures, maxAttempts, runAtMs, tags };
}

const newestFirst = (a: Standing, b: Standing) => (a.id < b.id ? 1 : -1);
const longestFirst = (a: Standing, b: Standing) => Number(a.since - b.since);

describe.each(versionsUnderTest())('the past, on Postgres %i,', (postgres) => {
  let db: TestDatabase;
  let events: RecordedEvent[];
  let last: bigint;
  let queueIds: ReadonlyMap<string, number>;

  /** Brings the live read models to the end of the log, in ranges of a size. */
  async function applyAll(size: bigint): Promise<void> {
    for (let after = 0n; after < last; after += size) {
      const upTo = after + size < last ? after + size : last;
      for (const { name } of projections) {
        expect(await applyLive(db.database, name, { after, upTo })).toBe(true);
      }
    }
  }

  beforeAll(async () => {
    db = await createTestDatabase({ postgres, partitionSpan: 2 ** 24 });
    await prepareReadModels(db.database);
    queueIds = await db.context.names.queueIds(queues);
    const moves = fc.array(move, { minLength: 60, maxLength: 60, size: 'max' });
    for (const history of fc.sample(moves, 12)) await play(db, history);
    await sequenceAll(db.database);
    await stretchLog(db, FACTOR);
    events = (await wholeLog(db.database)).flatMap((row) => decodeEvent(row) ?? []);
    last = events.at(-1)?.position ?? 0n;
  });
  afterAll(() => db.drop());

  /** Any position; as likely one at which something happened, or a landmark, and those beside. */
  const anyPosition = () =>
    fc
      .oneof(
        fc.bigInt(1n, last),
        fc
          .tuple(fc.nat(events.length - 1), fc.constantFrom(-1n, 0n, 1n))
          .map(([index, beside]) => (events[index]?.position ?? 1n) + beside),
        fc
          .tuple(fc.bigInt(1n, last), fc.constantFrom(-1n, 0n, 1n))
          .map(([position, beside]) => landmarkBefore(position) + beside),
      )
      .filter((position) => position >= 1n && position <= last);

  const forget = () =>
    db.database.pool.query(`
      delete from ${db.schema}.job_status_1; delete from ${db.schema}.job_spans_1;
      delete from ${db.schema}.queue_counters_1;
      delete from ${db.schema}.queue_counter_snapshots_1;
      delete from ${db.schema}.job_metrics_1; delete from ${db.schema}.failure_groups_1;
      update ${db.schema}.consumer_checkpoints set position = 0`);

  /** Every row of the tables that keep the past. */
  async function tablesOfThePast(): Promise<unknown> {
    const { rows } = await db.database.pool.query(`
      select md5(string_agg(s::text, '' order by s::text)) from (
        select s::text from ${db.schema}.job_spans s
        union all select s::text from ${db.schema}.queue_counter_snapshots s) s`);
    return rows;
  }
  const seen: unknown[] = [];

  describe.each([6_000n, 20_000n, 700_000n])('kept in ranges of %i', (size) => {
    beforeAll(async () => {
      await forget();
      await applyAll(size);
    });

    it('is kept row for row as in any other ranges', async () => {
      expect(events.length).toBeGreaterThan(600);
      seen.push(await tablesOfThePast());
      expect(seen.at(-1)).toEqual(seen[0]);
    });

    it('is what verify folds', async () => {
      const { counts, checked } = await verify(db.database, { chunkRows: 40 });
      // Nothing but the holes that were stretched into the log.
      expect(counts).toEqual({ 'position-missing': events.length });
      const rows = new Map(checked.readModels.map(({ table, rows: some }) => [table, some]));
      expect(rows.get('job_spans')).toBeGreaterThan(100);
      expect(rows.get('queue_counter_snapshots')).toBeGreaterThan(100);
    });

    it('has spans in which a landmark lies, and no others', async () => {
      const { rows } = await db.database.pool.query<{ from: string; to: string }>(
        `select from_position as from, to_position as to from ${db.schema}.job_spans`,
      );
      expect(rows.length).toBeGreaterThan(100);
      const idle = rows.filter(({ from, to }) => landmarkBefore(BigInt(to) - 1n) < BigInt(from));
      expect(idle).toEqual([]);
    });

    it('lists the jobs of every state and queue as folding does', async () => {
      await fc.assert(
        fc.asyncProperty(
          anyPosition(),
          fc.option(fc.constantFrom(...queues)),
          fc.subarray(statuses, { minLength: 1 }),
          async (position, queue, some) => {
            const expected = [...foldUpTo(events, position).values()]
              .filter((job) => some.includes(job.status) && (!queue || job.queue === queue))
              .toSorted(newestFirst)
              .map(({ id }) => id);
            const filter = {
              tenantId: 1,
              position,
              statuses: some,
              queueId: queue === null ? undefined : queueIds.get(queue),
              ...everyId,
            };
            expect(await jobsAt(db.database, { ...filter, limit: 10_000 })).toEqual(expected);
            const [page, below = everyId.from] = [expected.slice(0, 7), expected[6]];
            expect(await jobsAt(db.database, { ...filter, limit: 7 })).toEqual(page);
            expect(await jobsAt(db.database, { ...filter, below, limit: 7 })).toEqual(
              expected.slice(7, 14),
            );
          },
        ),
        { numRuns: 150 },
      );
    });

    it('gives page by page what a filter of the fold gives', async () => {
      const filters = fc.record(
        {
          phases: fc.subarray<JobPhase>(['scheduled', 'ready', 'retrying', 'running', 'dead']),
          tag: fc.constantFrom('red', 'ü"{},\\\\'),
          error: fc.constantFrom('TypeError', 'ECONN', 'üü'),
          type: fc.constantFrom('send', 'render', 'sweep'),
        },
        { requiredKeys: [] },
      );
      await fc.assert(
        fc.asyncProperty(anyPosition(), filters, async (position, { type, ...filter }) => {
          const timeMs = Date.now();
          const expected = [...foldUpTo(events, position).values()]
            .filter((job) => matches(job, { type, ...filter }, timeMs))
            .toSorted(newestFirst);
          const typeId = type === undefined ? undefined : await db.context.names.typeId(type);
          const found: ListedJob[] = [];
          let cursor: string | undefined;
          do {
            const wanted = { ...filter, typeId, tenantId: 1, limit: 5, cursor };
            const page = await listJobsAt(db.context, wanted, { position, timeMs });
            found.push(...page.jobs);
            cursor = page.nextCursor ?? undefined;
          } while (cursor !== undefined);
          expect(found.map(shown)).toEqual(expected.map(shown));
        }),
        { numRuns: 40 },
      );
    });

    it('counts as folding does', async () => {
      await fc.assert(
        fc.asyncProperty(anyPosition(), async (position) => {
          const jobs = [...foldUpTo(events, position).values()];
          const ids = [...queueIds.values()];
          const found = await readQueueCountersAt(db.database, { position, queueIds: ids });
          for (const [queue, queueId] of queueIds) {
            const past = events.filter(
              (event) => event.queue === queue && (event.position ?? 0n) <= position,
            );
            const often = (type: string) => past.filter((event) => event.type === type).length;
            const there = (status: JobStatus) =>
              jobs.filter((job) => job.queue === queue && job.status === status).length;
            expect(found.get(queueId)).toEqual({
              queueId,
              waiting: there('waiting'),
              running: there('running'),
              completed: there('completed'),
              dead: there('dead'),
              cancelled: there('cancelled'),
              submitted: often('JobSubmitted'),
              started: often('JobClaimed'),
              failed: often('JobFailed'),
              retried: often('JobRetried'),
              interrupted: often('JobInterrupted'),
            });
          }
        }),
        { numRuns: 100 },
      );
    });

    it.each(['waiting', 'running'] as const)('finds who was %s longest', async (status) => {
      await fc.assert(
        fc.asyncProperty(anyPosition(), fc.constantFrom(1, 3, 100), async (position, limit) => {
          const jobs = [...foldUpTo(events, position).values()];
          const found = await longestAt(db.database, status, {
            position,
            queueIds: [...queueIds.values()],
            limit,
          });
          for (const [queue, queueId] of queueIds) {
            const expected = jobs
              .filter((job) => job.status === status && job.queue === queue)
              .toSorted(longestFirst)
              .slice(0, limit);
            expect(
              found
                .filter((row) => row.queue_id === queueId)
                .map((row) => [row.job_id, row.since_position]),
            ).toEqual(expected.map(({ id, since }) => [id, since]));
          }
        }),
        { numRuns: 100 },
      );
    });
  });
});
