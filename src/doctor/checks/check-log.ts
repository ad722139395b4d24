import type { Database } from '../../store/database.ts';
import { whyNewEpoch } from '../../store/epoch/new-epoch.ts';
import { needsPartitions } from '../../store/partitions.ts';
import { listOldSnapshots } from '../../store/statements/doctor/list-old-snapshots.ts';
import {
  listPartitions,
  type PartitionRow,
} from '../../store/statements/doctor/list-partitions.ts';
import { readGauges } from '../../store/statements/read-gauges.ts';
import { type LogHead, readHead } from '../../store/statements/read-head.ts';
import type { ServerRow } from '../../store/statements/read-server.ts';
import { type Finding, orFine } from '../finding.ts';

/** An event that waits this long for its position: no sequencer gets on. */
const INBOX_MS = 10_000;
/** Dead rows that are kept for longer make queues slow. */
const SNAPSHOT_MS = 5 * 60_000;
/** What refuses changes of the log, on every partition. */
const guards = ['events_are_immutable', 'log_is_kept'];

/** The log: its head, its epoch, its partitions, and whether it grows. */
export async function checkLog(
  database: Pick<Database, 'run'>,
  server: ServerRow,
): Promise<Finding[]> {
  const [head] = await database.run(readHead, {});
  if (head === undefined) {
    const message = 'the log has no head: it was never made, or its head was lost';
    const advice = 'Start a process of Daybook: it makes the head.';
    return [{ check: 'log', level: 'wrong', message, advice }];
  }
  const [gauges] = await database.run(readGauges, {});
  const waitMs = gauges?.oldest_inbox_age_ms ?? 0;
  // A standby has no timeline of its own.
  const reason = server.in_recovery ? undefined : whyNewEpoch(server);
  const findings: Finding[] = [];
  if (waitMs > INBOX_MS) {
    findings.push({
      check: 'log',
      level: 'wrong',
      message: `events have waited for their position for ${Math.round(waitMs / 1_000)} s: no sequencer gets on`,
      advice: 'Start a process with `maintain`, or read the warnings of those that run.',
    });
  }
  if (reason !== undefined) {
    findings.push({
      check: 'log',
      level: 'risky',
      message: `${reason}: the next process that starts opens a new epoch`,
      advice: 'See docs/guides/restores.md.',
    });
  }
  const state = `epoch ${head.epoch}, position ${head.position}`;
  const partitions = await database.run(listPartitions, {});
  return [
    ...orFine('log', findings, state),
    ...orFine(
      'partitions',
      partitionFindings(partitions, head),
      `${partitions.length} as expected`,
    ),
  ];
}

function partitionFindings(partitions: readonly PartitionRow[], head: LogHead): Finding[] {
  const findings: Finding[] = [];
  const tell = (level: 'risky' | 'wrong', message: string, rest: Partial<Finding> = {}) =>
    findings.push({ check: 'partitions', level, message, ...rest });
  let next: bigint | undefined;
  for (const { name, bounds, triggers } of partitions) {
    const subject = `table ${name}`;
    const k = BigInt(name.slice('events_'.length));
    const [first, end] = [k * head.span + 1n, (k + 1n) * head.span + 1n];
    const expected = `FOR VALUES FROM ('${first}') TO ('${end}')`;
    if (bounds !== expected) {
      tell('wrong', `${name} holds other positions`, { subject, expected, found: bounds });
    }
    if (next !== undefined && k !== next) {
      tell('wrong', `there is no partition between events_${next - 1n} and ${name}`, { subject });
    }
    next = k + 1n;
    const missing = guards.filter((guard) => !triggers.includes(guard));
    if (missing.length > 0) {
      const message = `${name} can be changed: ${missing.join(' and ')} is missing or switched off`;
      const advice = 'Make the trigger again, and run `daybook verify`.';
      tell('wrong', message, { subject, advice });
    }
  }
  if (needsPartitions(head.position, head.partitions_until)) {
    const message = `the log is at ${head.position}, and partitions end at ${head.partitions_until}`;
    tell('risky', message, { advice: 'A sequencer makes them: see that one runs.' });
  }
  return findings;
}

/** What keeps dead rows from being removed, for longer than so many ms. */
export async function checkSnapshots(
  database: Pick<Database, 'run'>,
  olderThanMs = SNAPSHOT_MS,
): Promise<Finding[]> {
  const rows = await database.run(listOldSnapshots, { olderThanMs });
  const findings = rows.map(({ holder, age_ms: ageMs }): Finding => {
    const since = ageMs === null ? '' : ` for ${Math.round(ageMs / 60_000)} min`;
    return {
      check: 'snapshots',
      level: 'risky',
      subject: holder,
      message: `${holder} keeps dead rows from being removed${since}: queues get slower`,
      advice: 'End it, or see that it ends by itself (idle_in_transaction_session_timeout).',
    };
  });
  return orFine('snapshots', findings, `none older than ${olderThanMs / 60_000} min`);
}
