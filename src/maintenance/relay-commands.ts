import { parseOptions, type RelayOptions, relayOptions } from '../config/options.ts';
import { systemClock } from '../kernel/clock.ts';
import { DaybookError } from '../kernel/errors.ts';
import { createRelayControl } from '../relay/control/relay-control.ts';
import { neverRelayed } from '../relay/relay-consumer.ts';
import { loadTargetMaker } from '../relay/target/open-target.ts';
import type { RelayReport } from '../relay/verify/relay-report.ts';
import { verifyRelay } from '../relay/verify/verify-relay.ts';
import { type CommandTarget, onDatabase, paced } from './commands.ts';
import { count } from './text-table.ts';

/** How long the target may say nothing while it is compared, in ms: a large one takes its time. */
const PATIENCE_MS = 60_000;
/** Parked events read at once. */
const PAGE = 1_000;

/** `daybook relay status`: a line or two about how far it is. */
export async function runRelayStatus(target: CommandTarget): Promise<void> {
  await onDatabase(target, async (database) => {
    const status = await createRelayControl(database).status();
    if (status === undefined) {
      target.print(neverRelayed().message);
      return;
    }
    const { position, head, lagEvents, lagSeconds, moving, halted, failure, parkedStreams } =
      status;
    const state = halted ?? (moving ? 'moving' : 'not moving');
    const behind = `${count(Number(lagEvents))} events, ${lagSeconds.toFixed(1)} s behind`;
    target.print(`Relayed up to ${position} of ${head}: ${behind}; ${state}.`);
    if (failure !== null) target.print(`It says: ${(failure as { message: string }).message}`);
    if (parkedStreams > 0) {
      target.print(
        `Streams put aside: ${count(parkedStreams)}; \`daybook relay parked\` says why.`,
      );
    }
  });
}

/**
 * `daybook relay verify`. @returns the exit code: 0 where both sides are the same, else 1
 * @throws DaybookError `invalid-options` without EVENTSTORE_URL, `relay-target-unavailable`
 */
export async function runRelayVerify(
  target: CommandTarget,
  { json, relay }: { readonly json: boolean; readonly relay: RelayOptions | undefined },
): Promise<0 | 1> {
  if (relay === undefined) {
    throw new DaybookError(
      'invalid-options',
      'EVENTSTORE_URL is not set: name what is relayed to.',
    );
  }
  const { url, client } = parseOptions(relayOptions, relay);
  const maker = await loadTargetMaker({ url, client, appends: 'single' });
  const events = maker.open();
  try {
    return await onDatabase(target, async (database) => {
      const note = paced(target);
      const report = await verifyRelay({
        database,
        target: events,
        clock: systemClock,
        timeoutMs: PATIENCE_MS,
        onProgress: (read) => note(`Read ${count(read)} events of the target`),
      });
      target.print(json ? JSON.stringify(report, null, 2) : relayReportText(report));
      return report.equal ? 0 : 1;
    });
  } finally {
    await events.close();
  }
}

function relayReportText(report: RelayReport): string {
  const { upTo, head, same, parked, missing, extra, differing, foreign, differences } = report;
  const verdict = report.equal ? 'Both sides are the same.' : 'The two sides are NOT the same.';
  const lines = [
    `${verdict} Compared up to position ${upTo} (the log ends at ${head}).`,
    `same ${count(same)}, missing ${count(missing)}, extra ${count(extra)}, differing ${count(differing)}`,
    `parked ${count(parked)}, of other logs and writers ${count(foreign)}`,
    ...differences.map(({ kind, position, stream, revision, what }) => {
      const where = `${stream}@${revision}`;
      const detail = what === undefined ? '' : ` (${what})`;
      return `${kind}: position ${position ?? 'unknown'} -> ${where}${detail}`;
    }),
  ];
  return lines.join('\n');
}

/** `daybook relay restart --from`. */
export async function runRelayRestart(target: CommandTarget, from: bigint): Promise<void> {
  await onDatabase(target, async (database) => {
    await createRelayControl(database).restart(from);
    target.print(`The relay goes on from position ${from}. What is there already stays as it is.`);
  });
}

/** `daybook relay park <stream> --reason`. */
export async function runRelayPark(
  target: CommandTarget,
  stream: string,
  reason: string,
): Promise<void> {
  await onDatabase(target, async (database) => {
    await createRelayControl(database).park(stream, reason);
    target.print(`Set aside: ${stream}. The relay goes on with all others.`);
    target.print(`Once the target is mended: daybook relay retry ${stream}`);
  });
}

interface ParkedError {
  readonly message?: string;
  /** Of the operator who set the stream aside. */
  readonly reason?: string;
}

/** `daybook relay parked`: a line for each event. */
export async function runRelayParked(target: CommandTarget): Promise<void> {
  await onDatabase(target, async (database) => {
    const control = createRelayControl(database);
    for (let after = 0n; ; ) {
      const rows = await control.parked(after, PAGE);
      for (const { position, stream_id: stream, state, error } of rows) {
        const { message = 'waits behind another', reason } = (error ?? {}) as ParkedError;
        const why = reason === undefined ? message : `${message} (${reason})`;
        target.print(`${position}  ${stream}  ${state}  ${why}`);
      }
      const last = rows.at(-1);
      if (last === undefined || rows.length < PAGE) return;
      after = last.position;
    }
  });
}

/** `daybook relay retry [stream]`. */
export async function runRelayRetry(
  target: CommandTarget,
  stream: string | undefined,
): Promise<void> {
  await onDatabase(target, async (database) => {
    const streams = await createRelayControl(database).retry(stream);
    target.print(streams === 0 ? 'Nothing is parked.' : `Streams tried again: ${streams}.`);
  });
}
