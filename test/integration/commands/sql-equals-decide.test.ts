import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { changeJobs } from '../../../src/commands/change/change-jobs.ts';
import { completeJobs } from '../../../src/commands/work/complete-jobs.ts';
import { loadJobs, type LoadedJob } from '../../../src/commands/read/load-jobs.ts';
import { submitJobs } from '../../../src/commands/submit/submit-jobs.ts';
import type { JobCommand } from '../../../src/domain/job/commands.ts';
import { eventTypeCodes } from '../../../src/domain/event-types.ts';
import { decideJob } from '../../../src/domain/job/decide.ts';
import { elapsedMs } from '../../../src/domain/job/elapsed.ts';
import { evolveJob } from '../../../src/domain/job/evolve.ts';
import type { JobState } from '../../../src/domain/job/state.ts';
import type { JobEvent } from '../../../src/domain/job/events.ts';
import type { Decision } from '../../../src/domain/rejection.ts';
import { markStart } from '../../../src/store/statements/mark-start.ts';
import { rowsFromState, rowsInTables } from '../../support/claim-rows.ts';
import { claim, expire, lapse } from '../../support/job-steps.ts';
import {
  type Change,
  eventful,
  histories,
  type Token,
  type Turn,
} from '../../support/job-histories.ts';
import { createTestDatabase, newId, type TestDatabase } from '../../support/test-database.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase({ sequencer: true });
});
afterAll(() => db.drop());

const JOB_EVENTS = Object.keys(eventTypeCodes).filter((type) => !type.startsWith('Queue'));

it('SQL and decideJob give the same answers, and the tables what folding the log gives', async () => {
  const met = new Set<string>();
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(histories, async ({ jobs, turns }) => {
      runs += 1;
      const inRun = (queue: string) => `${queue}-${runs}`;
      const submitted = await submitJobs(
        db.context,
        jobs.map((job) => ({ ...job, queue: inRun(job.queue), uniqueKey: newId() })),
      );
      const ids = submitted.map(({ id }) => id);
      await expectTablesAsFolded(ids);
      for (const turn of turns) {
        await play(turn, ids, inRun);
        await expectTablesAsFolded(ids);
      }
      for (const { events } of await loadAll(ids)) for (const { type } of events) met.add(type);
    }),
    { numRuns: 100, examples: [[eventful]] },
  );
  expect([...met].toSorted()).toEqual(JOB_EVENTS.toSorted());
});

async function loadAll(ids: readonly string[]): Promise<LoadedJob[]> {
  return [...(await loadJobs(db.database, 1, ids)).values()];
}

async function expectTablesAsFolded(ids: readonly string[]): Promise<void> {
  for (const { state, events } of await loadAll(ids)) {
    const expected = await rowsFromState(db.context.names, state);
    expect(await rowsInTables(db, state.id)).toEqual(expected);
    expectMarksAsFolded(events);
  }
}

/** What stands beside an event so that readers need not fold: it is what folding gives. */
function expectMarksAsFolded(events: LoadedJob['events']): void {
  let before: JobState | null = null;
  for (const event of events) {
    const after = evolveJob(before, event);
    expect({ type: event.jobType, tags: event.tags, elapsedMs: event.elapsedMs }).toEqual({
      type: after.type,
      tags: after.tags,
      elapsedMs: elapsedMs(before, event.type, event.occurredAtMs),
    });
    before = after;
  }
}

/** Does to the jobs what the turn says, and expects of each what `decideJob` says. */
async function play(
  turn: Turn,
  ids: readonly string[],
  inRun: (queue: string) => string,
): Promise<void> {
  const before = await loadAll(ids);
  switch (turn.kind) {
    case 'claim':
      await claimAll(before, turn.suspects, ['a', 'b'].map(inRun));
      return;
    case 'complete':
      await completeSome(before, turn.tokens);
      return;
    case 'expire':
      await expireAll(before, turn.marked);
      return;
    case 'change':
      await changeSome(before, turn.changes, inRun);
  }
}

async function claimAll(
  before: readonly LoadedJob[],
  suspects: boolean,
  queues: readonly string[],
): Promise<void> {
  const session = await db.openSession();
  await db.context.names.queueIds(queues);
  const tokens = new Map<string, string>();
  for (const queue of queues) {
    const due = before
      .filter(({ state, readAtMs }) => {
        const command = { kind: 'claim' as const, session, leaseToken: newId() };
        const { rejection } = decideJob(state, command, { nowMs: readAtMs, random: 0 });
        return rejection === undefined && state.queue === queue && state.suspect === suspects;
      })
      .map(({ state }) => state)
      .toSorted((a, b) => a.priority - b.priority || a.runAtMs - b.runAtMs || order(a.id, b.id));
    const jobs = await claim(db, session, { queue, suspects });
    for (const { id, leaseToken } of jobs) tokens.set(id, leaseToken);
    const expected = (suspects ? due.slice(0, 1) : due).map(({ id }) => id);
    expect(jobs.map(({ id }) => id)).toEqual(expected);
  }
  await expectDecided(before, ({ state }) => {
    const leaseToken = tokens.get(state.id);
    return leaseToken === undefined ? null : { kind: 'claim', session, leaseToken };
  });
}

const order = (a: string, b: string) => (a < b ? -1 : 1);

async function completeSome(
  before: readonly LoadedJob[],
  tokens: readonly (Token | null)[],
): Promise<void> {
  const completions = before.flatMap((job, index) => {
    const token = tokens[index];
    return token ? [{ id: job.state.id, leaseToken: tokenOf(job, token) }] : [];
  });
  const outcomes = await completeJobs(db.context, completions);
  const commands = new Map(
    completions.map(({ id, leaseToken }) => [id, { kind: 'complete' as const, leaseToken }]),
  );
  const decisions = await expectDecided(before, ({ state }) => commands.get(state.id) ?? null);
  for (const { id, outcome } of outcomes) {
    expect(outcome).toBe(decisions.get(id)?.rejection?.code ?? 'recorded');
  }
}

async function expireAll(before: readonly LoadedJob[], marked: readonly boolean[]): Promise<void> {
  const startMarked = new Map(before.map(({ state }, index) => [state.id, marked[index] === true]));
  const running = before.flatMap(({ state: { id, lease } }) => (lease ? [{ id, ...lease }] : []));
  for (const { id, token } of running) {
    if (startMarked.get(id))
      await db.database.run(markStart, { tenantId: 1, jobId: id, leaseToken: token });
  }
  await lapse(db, ...running.map(({ session }) => session));
  while ((await expire(db)) > 0);
  await expectDecided(before, ({ state }) =>
    state.lease ? { kind: 'expire', startMarked: startMarked.get(state.id) ?? false } : null,
  );
}

async function changeSome(
  before: readonly LoadedJob[],
  changes: readonly (Change | null)[],
  inRun: (queue: string) => string,
): Promise<void> {
  const wanted = before.flatMap((job, index) => {
    const { id } = job.state;
    const change = changes[index]?.((token) => tokenOf(job, token), inRun);
    return change === undefined ? [] : [{ id, ...change }];
  });
  const outcomes = await changeJobs({ ...db.context, random: () => 0.5 }, wanted);
  for (const [index, { id, command }] of wanted.entries()) {
    const job = before.find(({ state }) => state.id === id);
    const nowMs = job?.readAtMs ?? 0;
    const decision = decideJob(job?.state ?? null, command, { nowMs, random: 0.5 });
    const outcome = outcomes[index];
    expect(outcome?.rejection?.code).toBe(decision.rejection?.code);
    if (outcome === undefined || outcome.rejection !== undefined) continue;
    expect(outcome.events.map(({ type }) => type)).toEqual(
      decision.events?.map(({ type }) => type),
    );
  }
}

/** Each job got exactly the events that `decideJob` gives for its command, or none. */
async function expectDecided(
  before: readonly LoadedJob[],
  commandOf: (job: LoadedJob) => JobCommand | null,
): Promise<Map<string, Partial<Decision<JobEvent>>>> {
  const after = new Map(
    (await loadAll(before.map(({ state }) => state.id))).map((job) => [job.state.id, job]),
  );
  const decisions = new Map<string, Partial<Decision<JobEvent>>>();
  for (const job of before) {
    const { state, events, readAtMs: nowMs } = job;
    const command = commandOf(job);
    const decision: Partial<Decision<JobEvent>> =
      command === null ? {} : decideJob(state, command, { nowMs, random: 0 });
    const got = after.get(state.id)?.events.slice(events.length);
    expect(got?.map(({ type, data }) => ({ type, data }))).toEqual(decision.events ?? []);
    decisions.set(state.id, decision);
  }
  return decisions;
}

function tokenOf({ state }: LoadedJob, token: Token): string {
  const last = state.lastOutcome?.token;
  if (token === 'foreign') return newId();
  return (token === 'present' ? (state.lease?.token ?? last) : last) ?? newId();
}
