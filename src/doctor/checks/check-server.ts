import type { Database } from '../../store/database.ts';
import { readSettings, type SettingsRow } from '../../store/statements/doctor/read-settings.ts';
import { type Finding, orFine } from '../finding.ts';

/** The versions that the tests run on. */
const OLDEST = 15;
const NEWEST = 18;
/** Clocks that differ by less are taken to agree. */
const CLOCK_MS = 1_000;
/** Sequencing a batch may take a second on a slow disk. */
const SHORTEST_STATEMENT_TIMEOUT_MS = 10_000;

type Rule = (value: string) => Omit<Finding, 'check' | 'subject' | 'found'> | undefined;

const risky = (message: string, advice: string) => ({ level: 'risky' as const, message, advice });
const wrong = (message: string, advice: string) => ({ level: 'wrong' as const, message, advice });
const on = 'Switch it on in postgresql.conf.';

/** What each setting may not be, and why. */
const rules: Readonly<Record<string, Rule>> = {
  fsync: (value) =>
    value === 'off'
      ? risky(
          'fsync is off: when the machine stops, accepted jobs and the whole cluster may be lost',
          on,
        )
      : undefined,
  full_page_writes: (value) =>
    value === 'off'
      ? risky('full_page_writes is off: when the machine stops, pages may be torn', on)
      : undefined,
  synchronous_commit: (value) =>
    value === 'off'
      ? risky(
          'synchronous_commit is off: a job that was accepted in the last moments may be lost when the server stops',
          'Switch it on for the role or the database that Daybook uses.',
        )
      : undefined,
  wal_level: (value) =>
    value === 'minimal'
      ? risky(
          'wal_level is minimal: there can be neither replicas nor backups to a point in time',
          'Set it to replica; it takes a restart of the server.',
        )
      : undefined,
  autovacuum: (value) =>
    value === 'off'
      ? risky('autovacuum is off: the tables of a queue grow without end, and get slow', on)
      : undefined,
  track_counts: (value) =>
    value === 'off'
      ? risky('track_counts is off: autovacuum does not know when to work', on)
      : undefined,
  jit: (value) =>
    value === 'on'
      ? risky(
          'jit is on, and a pooler is in between, so that Daybook cannot switch it off for itself: statements may take a second to be compiled',
          'Switch it off for the role or the database that Daybook uses: alter role … set jit = off.',
        )
      : undefined,
  default_transaction_read_only: (value) =>
    value === 'on'
      ? wrong(
          'default_transaction_read_only is on: nothing can be written',
          'Switch it off for the role or the database that Daybook uses.',
        )
      : undefined,
  default_transaction_isolation: (value) =>
    value === 'read committed'
      ? undefined
      : wrong(
          `default_transaction_isolation is ${value}: commands fail where others change the same rows`,
          'Set it to read committed for the role or the database that Daybook uses.',
        ),
  session_replication_role: (value) =>
    value === 'origin'
      ? undefined
      : wrong(
          `session_replication_role is ${value}: triggers that protect the log do not run`,
          'Set it to origin for the role or the database that Daybook uses.',
        ),
  server_encoding: (value) =>
    value === 'UTF8'
      ? undefined
      : wrong(
          `the database is encoded in ${value}: not every payload can be stored`,
          'Move Daybook to a database that is made with encoding UTF8.',
        ),
  statement_timeout: (value) => {
    const ms = durationMs(value);
    return ms === 0 || ms >= SHORTEST_STATEMENT_TIMEOUT_MS
      ? undefined
      : risky(
          `statement_timeout is ${value}: sequencing and rebuilding may not come to an end`,
          `Give the role that Daybook uses ${SHORTEST_STATEMENT_TIMEOUT_MS / 1_000}s or more.`,
        );
  },
};

/** The server as a whole: its version, its settings, its clock. */
export async function checkServer(
  database: Pick<Database, 'run'>,
  nowMs: () => number,
): Promise<Finding[]> {
  const before = nowMs();
  const [row] = await database.run(readSettings, { names: Object.keys(rules) });
  const after = nowMs();
  if (row === undefined) return [];
  return [
    ...serverFindings(row),
    ...orFine('settings', settingsFindings(row.settings), 'all as they should be'),
    clockFinding(row.now, before, after),
  ];
}

function serverFindings(row: SettingsRow): Finding[] {
  const major = Math.floor(row.version_number / 10_000);
  const kind = row.in_recovery ? ', a standby' : '';
  const name = `PostgreSQL ${row.version}${kind}, database ${row.database}, as ${row.role}`;
  const findings: Finding[] = [];
  if (major < OLDEST) {
    const advice = 'Upgrade the server.';
    const message = `${name}: Daybook needs PostgreSQL ${OLDEST} or later`;
    findings.push({ check: 'server', level: 'wrong', message, advice });
  } else if (major > NEWEST) {
    const message = `${name}: newer than ${NEWEST}, the newest that this version was tested with`;
    findings.push({ check: 'server', level: 'risky', message });
  }
  if (row.connections > row.max_connections * 0.9) {
    findings.push({
      check: 'server',
      level: 'risky',
      message: `${row.connections} of ${row.max_connections} connections are in use`,
      advice: 'Raise max_connections, make pools smaller, or put a pooler in between.',
    });
  }
  return orFine('server', findings, name);
}

function settingsFindings(settings: SettingsRow['settings']): Finding[] {
  return Object.entries(rules).flatMap(([subject, rule]) => {
    const found = settings[subject] ?? '';
    const broken = rule(found);
    return broken === undefined ? [] : [{ check: 'settings' as const, subject, found, ...broken }];
  });
}

/** A time of the server lies between two of ours, or clocks differ. */
function clockFinding(serverMs: number, before: number, after: number): Finding {
  const offMs = serverMs < before ? before - serverMs : Math.max(0, serverMs - after);
  if (offMs <= CLOCK_MS) {
    return { check: 'clock', level: 'fine', message: 'server and this machine agree' };
  }
  return {
    check: 'clock',
    level: 'risky',
    message: `the clocks of server and this machine differ by ${(offMs / 1_000).toFixed(1)} s: times that are written are the server’s`,
    advice: 'Let both follow the same time servers.',
  };
}

/** As Postgres writes it: 0, 500ms, 30s, 5min, 1h, 1d. */
function durationMs(text: string): number {
  const units: Readonly<Record<string, number>> = {
    ms: 1,
    s: 1_000,
    min: 60_000,
    h: 3_600_000,
    d: 86_400_000,
  };
  const [, amount = '0', unit = 'ms'] = /^(\d+)(\w*)$/.exec(text) ?? [];
  return Number(amount) * (units[unit] ?? 1);
}
