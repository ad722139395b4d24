import { setTimeout as wait } from 'node:timers/promises';
import { type Daybook, openDaybook } from '../../src/daybook.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { loadTargetMaker } from '../../src/relay/target/open-target.ts';
import { verifyRelay } from '../../src/relay/verify/verify-relay.ts';
import type { Acknowledged } from './submissions.ts';

export interface Judgement {
  /** Jobs that were acknowledged, and are not in the log, */
  readonly lost: readonly string[];
  /** of these, those whose write token is answered with `write-lost`, */
  readonly lostTold: number;
  /** and jobs that are in the log and did not complete. */
  readonly unfinished: number;
  readonly epochs: readonly string[];
  readonly differences: number;
  /** What became of the relay. */
  readonly relay: RelayJudgement | undefined;
}

export interface RelayJudgement {
  /** In a few words; `same` where the target is as the log. */
  readonly state: string;
  /** Events that the relay has passed, and that are not in the target at all. */
  readonly absent: number;
}

/** Codes of events in the database. */
const submitted = 1;
const completed = 3;

/** @param patienceMs for the last jobs, and for the relay @param target that was relayed to */
export async function judge(
  { servers, api }: { readonly servers: string; readonly api: string },
  acknowledged: readonly Acknowledged[],
  target: string | undefined,
  patienceMs: number,
): Promise<Judgement> {
  const daybook = await openDaybook({ connectionString: servers, maintain: false });
  try {
    const until = performance.now() + patienceMs;
    const ids = acknowledged.map(({ id }) => id);
    const lost = new Set(await without(daybook, ids, submitted));
    const kept = ids.filter((id) => !lost.has(id));
    let unfinished = await without(daybook, kept, completed);
    while (unfinished.length > 0 && performance.now() < until) {
      await wait(100);
      unfinished = await without(daybook, kept, completed);
    }
    let lostTold = 0;
    for (const { id, token } of acknowledged) {
      if (lost.has(id) && (await codeOf(api, token)) === 'write-lost') lostTold += 1;
    }
    const epochs = await daybook.epochs.list();
    const { differences } = await daybook.verify();
    return {
      lost: [...lost],
      lostTold,
      unfinished: unfinished.length,
      epochs: epochs.map(({ epoch, reason }) => `${epoch}: ${reason}`),
      differences: differences.length,
      relay: target === undefined ? undefined : await relayState(daybook, target, until),
    };
  } finally {
    await daybook.close();
  }
}

async function codeOf(api: string, token: string): Promise<string | undefined> {
  const answer = await fetch(`${api}/v1/jobs?after=${token}`);
  return ((await answer.json()) as { code?: string }).code;
}

/** Waits until the relay has done what there is, or has stopped. */
async function relayState(daybook: Daybook, url: string, until: number): Promise<RelayJudgement> {
  const lag = async () => (await daybook.consumers.list()).find(({ name }) => name === 'relay');
  let found = await lag();
  while (found?.halted !== 'failed' && found?.lagEvents !== 0n && performance.now() < until) {
    await wait(100);
    found = await lag();
  }
  if (found === undefined || found.lagEvents > 0n) {
    const { name = 'behind' } = (found?.failure ?? {}) as { name?: string };
    return { state: `stopped: ${name}`, absent: 0 };
  }
  const maker = await loadTargetMaker({ url, client: 'eventstore', appends: 'single' });
  const target = maker.open();
  try {
    const { database } = daybook.context;
    const report = await verifyRelay({ database, target, clock: systemClock, timeoutMs: 60_000 });
    const { equal, missing, extra, differing, parked } = report;
    if (equal && parked === 0) return { state: 'same', absent: 0 };
    const state = `missing ${missing}, extra ${extra}, differing ${differing}, parked ${parked}`;
    // What a standby had in its inbox, and had been relayed with the position that it lost, is there.
    let absent = 0;
    for (const { kind, stream, revision } of report.differences) {
      if (kind !== 'missing') continue;
      const there = target.readStream(stream, { from: BigInt(revision), limit: 1 });
      if ((await there[Symbol.asyncIterator]().next()).done === true) absent += 1;
    }
    return { state, absent };
  } finally {
    await target.close();
  }
}

/** Those of the jobs that have no event of a type. */
async function without(
  { context: { database } }: Daybook,
  ids: readonly string[],
  type: number,
): Promise<string[]> {
  const { rows } = await database.pool.query<{ id: string }>(
    `select id from unnest($1::uuid[]) as id
     where not exists (select from daybook.events e where e.stream_id = id and e.type = $2)
       and not exists (select from daybook.event_inbox i where i.stream_id = id and i.type = $2)`,
    [ids, type],
  );
  return rows.map(({ id }) => id);
}
