import { databaseOptions, parseOptions } from '../config/options.ts';
import { examine } from '../doctor/doctor.ts';
import { silentObserver } from '../kernel/observer.ts';
import { type Database, openDatabase } from '../store/database.ts';
import { createEpochControl } from '../store/epoch/epoch-control.ts';
import { refusalOf } from '../store/pool/refusal.ts';
import { rebuildClaims } from '../verify/rebuild/rebuild-claims.ts';
import type { SafetyOptions } from '../verify/safety/safety-check.ts';
import { verify } from '../verify/verify.ts';
import { doctorText } from './doctor-text.ts';
import { readRecordFiles } from './read-record-files.ts';
import { reportText } from './report-text.ts';
import { count } from './text-table.ts';

/** What these commands work on, and where they say what they have found. */
export interface CommandTarget {
  readonly connectionString: string;
  readonly schema: string | undefined;
  /** A line of the result. */
  print(line: string): void;
  /** A line about how far it is. */
  note(line: string): void;
}

export interface VerifyFlags {
  /** The report as one JSON document. */
  readonly json: boolean;
  /** Read payloads and results too. */
  readonly bodies: boolean;
  /** Run the safety check too. */
  readonly safety: boolean;
  /** Of the safety check: files of client records. */
  readonly records: readonly string[];
  /** Of the safety check: every job must have ended. */
  readonly ended: boolean;
}

export interface DoctorFlags {
  /** The report as one JSON document. */
  readonly json: boolean;
  /** What is risky counts as wrong. */
  readonly strict: boolean;
  /** What processes LISTEN on, where that is another address. */
  readonly directConnectionString: string | undefined;
  /** Of this package. */
  readonly version: string;
}

/** Between two lines about how far a command is, in ms. */
const NOTE_EVERY_MS = 2_000;

/**
 * `daybook verify`: folds the log and compares. Works on the database alone: no Daybook needs to run.
 * @returns the exit code: 0 for nothing found, 1 for anything that differs or is not safe
 * @throws DaybookError `invalid-options` for files of records that cannot be read
 */
export async function runVerify(target: CommandTarget, flags: VerifyFlags): Promise<0 | 1> {
  const safety = flags.safety ? await safetyOptions(flags) : false;
  return onDatabase(target, async (database) => {
    const note = paced(target);
    const report = await verify(database, {
      bodies: flags.bodies,
      safety,
      onProgress: ({ phase, events, of }) =>
        note(`Reading the ${phase}: ${count(events)} of ${count(of)} events`),
    });
    target.print(flags.json ? JSON.stringify(report, null, 2) : reportText(report));
    return report.equal && report.safety?.safe !== false ? 0 : 1;
  });
}

/**
 * `daybook doctor`: looks whether the database is what this version expects, and whether all gets on.
 * @returns the exit code: 0 where nothing is wrong, else 1
 */
export async function runDoctor(target: CommandTarget, flags: DoctorFlags): Promise<0 | 1> {
  const { version, directConnectionString: direct } = flags;
  const report = await onDatabase(target, async (database) =>
    direct === undefined
      ? examine(database, { version })
      : onDatabase({ ...target, connectionString: direct }, async (directDatabase) =>
          examine(database, { version, direct: directDatabase }),
        ),
  );
  target.print(flags.json ? JSON.stringify(report, null, 2) : doctorText(report));
  const { verdict } = report;
  return verdict === 'wrong' || (flags.strict && verdict === 'risky') ? 1 : 0;
}

async function safetyOptions({ records, ended }: VerifyFlags): Promise<SafetyOptions> {
  const common = { everyJobEnded: ended };
  return records.length === 0 ? common : { ...common, records: await readRecordFiles(records) };
}

/** `daybook rebuild claims`: makes the claim table and the dead jobs anew from the log. */
export async function runRebuildClaims(
  target: CommandTarget,
  flags: { readonly lockTimeoutMs: number },
): Promise<void> {
  await onDatabase(target, async (database) => {
    const note = paced(target);
    const { events, claims, dead, unreadable, keyless } = await rebuildClaims(database, {
      lockTimeoutMs: flags.lockTimeoutMs,
      onProgress: (read) => note(`Read ${count(read)} events`),
    });
    target.print(
      `Made anew from ${count(events)} events: ${count(claims)} claim rows, ${count(dead)} dead jobs.`,
    );
    for (const id of unreadable) {
      target.print(`Left as it was: ${id}, whose events cannot be folded. See daybook verify.`);
    }
    for (const { id, key } of keyless) {
      target.print(`Without its unique key "${key}", which another live job holds: ${id}.`);
    }
  });
}

/** `daybook epoch`: the epochs of the log, a line for each; with a reason a new one is opened. */
export async function runEpoch(target: CommandTarget, reason: string | undefined): Promise<void> {
  await onDatabase(target, async (database) => {
    const epochs = createEpochControl(database, silentObserver);
    if (reason !== undefined) {
      const { epoch, afterPosition, sessionsEnded } = await epochs.open(reason);
      target.print(`Opened epoch ${epoch} after position ${afterPosition}.`);
      target.print(`Worker sessions ended: ${sessionsEnded}. Their jobs run again.`);
      return;
    }
    for (const each of await epochs.list()) {
      const openedAt = new Date(each.openedAtMs).toISOString();
      const server = `server ${each.systemIdentifier}, timeline ${each.timeline}`;
      const { epoch, afterPosition } = each;
      target.print(`${epoch}  ${openedAt}  after ${afterPosition}  ${each.reason}  (${server})`);
    }
  });
}

/** Runs work on a database that is opened for it alone. @throws DaybookError `database-refused` */
export async function onDatabase<Result>(
  { connectionString, schema }: CommandTarget,
  work: (database: Database) => Promise<Result>,
): Promise<Result> {
  const given = { connectionString, ...(schema === undefined ? {} : { schema }), poolSize: 2 };
  const options = parseOptions(databaseOptions, given);
  const database = openDatabase({ ...options, connectionString, observer: silentObserver });
  try {
    return await work(database);
  } catch (error) {
    throw refusalOf(error) ?? error;
  } finally {
    await database.close();
  }
}

/** Lets a line through every few seconds. */
export function paced({ note }: CommandTarget): (line: string) => void {
  let last = performance.now();
  return (line) => {
    if (performance.now() - last < NOTE_EVERY_MS) return;
    last = performance.now();
    note(line);
  };
}
