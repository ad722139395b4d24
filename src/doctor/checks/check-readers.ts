import {
  readSubscriptions,
  type SubscriptionState,
} from '../../consumers/groups/subscription-state.ts';
import { type ConsumerLag, listLags } from '../../consumers/lag.ts';
import type { Database } from '../../store/database.ts';
import {
  type HousekeepingRow,
  readHousekeeping,
} from '../../store/statements/doctor/read-housekeeping.ts';
import { type Finding, orFine } from '../finding.ts';

/** A session that lapsed so long ago should have been settled. */
const LAPSED_MS = 60_000;
const COUNT_UP_TO = 10_000;
const TENANT = 1;

/** Whether somebody keeps the house, and whether those who read the log get on. */
export async function checkReaders(database: Pick<Database, 'run'>): Promise<Finding[]> {
  const parameters = { lapsedForMs: LAPSED_MS, countUpTo: COUNT_UP_TO };
  const [house] = await database.run(readHousekeeping, parameters);
  const lags = await listLags(database);
  const subscriptions = await readSubscriptions(database, TENANT);
  const parked = house?.parked ?? {};
  return [
    ...(house === undefined ? [] : housekeepingFindings(house)),
    ...orFine(
      'consumers',
      lags.flatMap((lag) => consumerFindings(lag, parked[lag.name] ?? 0)),
      `${lags.length} get on`,
    ),
    ...orFine(
      'subscriptions',
      subscriptions.flatMap((state) => subscriptionFindings(state)),
      `${subscriptions.length} get on`,
    ),
  ];
}

function housekeepingFindings({ duties, lapsed_sessions: lapsed }: HousekeepingRow): Finding[] {
  const findings: Finding[] = [];
  if (lapsed > 0) {
    findings.push({
      check: 'housekeeping',
      level: 'wrong',
      message: `nobody has taken back the jobs of ${counted(lapsed, 'worker session')} whose lease is over`,
      advice: 'Start a process with `maintain`, or read the warnings of those that run.',
    });
  }
  for (const duty of ['sequencer', 'caretaker']) {
    if (duties.includes(duty)) continue;
    findings.push({
      check: 'housekeeping',
      level: 'risky',
      subject: duty,
      message: `nobody is the ${duty} at this moment`,
      advice: 'Start a process with `maintain`.',
    });
  }
  return orFine('housekeeping', findings, duties.join(', '));
}

function consumerFindings(lag: ConsumerLag, parked: number): Finding[] {
  const subject = lag.role === 'live' ? lag.name : `${lag.name} (build ${lag.build})`;
  const common = { check: 'consumers', subject } as const;
  const behind = `${counted(lag.lagEvents, 'event')}, ${Math.round(lag.lagSeconds)} s behind`;
  const findings: Finding[] = [];
  if (lag.failure !== null) {
    const message = `${subject} has failed, ${behind}: ${reasonOf(lag.failure)}`;
    const advice = 'Mend what the failure names, and let it go on.';
    findings.push({ ...common, level: 'wrong', message, advice });
  } else if (lag.halted === 'paused') {
    findings.push({ ...common, level: 'risky', message: `${subject} is paused, ${behind}` });
  } else if (!lag.moving) {
    const message = `${subject} does not move, ${behind}`;
    const advice = 'See that a process runs which knows it, with `maintain`.';
    findings.push({ ...common, level: 'wrong', message, advice });
  }
  if (parked > 0 && lag.role === 'live') {
    const message = `${subject} has parked ${counted(parked, 'event')}`;
    const advice = 'Look at them, then retry or skip them.';
    findings.push({ ...common, level: 'risky', message, advice });
  }
  return findings;
}

function subscriptionFindings(state: SubscriptionState): Finding[] {
  const common = { check: 'subscriptions', subject: state.name } as const;
  const { name, halted, parked } = state;
  if (halted !== null) {
    const why = halted === 'ahead' ? 'its place is ahead of the log' : 'too many events are parked';
    const message = `${name} hands out nothing: ${why}`;
    const advice = 'See docs/guides/consumer-groups.md.';
    return [{ ...common, level: 'wrong', message, advice }];
  }
  if (parked > 0)
    return [
      { ...common, level: 'risky', message: `${name} has parked ${counted(parked, 'event')}` },
    ];
  if (state.moving) return [];
  const message = `${name} does not move, ${counted(state.lagEvents, 'event')} behind`;
  return [{ ...common, level: 'risky', message, advice: 'See that a member asks for its events.' }];
}

function counted(count: number | bigint, what: string): string {
  return `${count} ${what}${Number(count) === 1 ? '' : 's'}`;
}

function reasonOf(failure: unknown): string {
  const { message } = (failure ?? {}) as { readonly message?: unknown };
  return typeof message === 'string' ? message : JSON.stringify(failure);
}
