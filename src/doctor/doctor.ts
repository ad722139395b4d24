import { type Clock, systemClock } from '../kernel/clock.ts';
import type { Database } from '../store/database.ts';
import { identify } from '../store/epoch/new-epoch.ts';
import { checkLog, checkSnapshots } from './checks/check-log.ts';
import { checkPermissions } from './checks/check-permissions.ts';
import { checkReaders } from './checks/check-readers.ts';
import { checkSchema } from './checks/check-schema.ts';
import { checkServer } from './checks/check-server.ts';
import { checkWakeUp } from './checks/check-wake-up.ts';
import { type DoctorReport, type Finding, worst } from './finding.ts';

export interface DoctorOptions {
  /** Of this package. */
  readonly version: string;
  /** What processes LISTEN on; default: the database itself. */
  readonly direct?: Database;
  readonly clock?: Clock;
}

/**
 * Looks at a database that Daybook works on, or is to work on: whether it is what this version
 * expects, and whether all that runs gets on. Changes nothing, and may be run at any time.
 * @throws DaybookError `database-unavailable`
 */
export async function examine(database: Database, options: DoctorOptions): Promise<DoctorReport> {
  const { version, direct = database, clock = systemClock } = options;
  const findings: Finding[] = [
    ...(await checkServer(database, () => clock.nowMs())),
    ...(await checkPermissions(database)),
  ];
  const schema = await checkSchema(database);
  findings.push(...schema.findings);
  if (schema.readable) {
    const server = await identify(database);
    findings.push(...(await checkLog(database, server)), ...(await checkReaders(database)));
    // A standby passes no hints on.
    if (!server.in_recovery) findings.push(...(await checkWakeUp(database, direct, clock)));
  }
  findings.push(...(await checkSnapshots(database)));
  const verdict = worst(findings.map(({ level }) => level));
  return { verdict, version, schema: database.schema, findings };
}
