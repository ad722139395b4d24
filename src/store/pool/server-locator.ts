import pg from 'pg';
import type { HostList, WantedServer } from '../../kernel/servers/host-list.ts';

/** What a server says of itself. */
export interface ServerRole {
  readonly readOnly: boolean;
  /** Of the server that takes writes: eight hex digits, which grow with each promotion; else empty. */
  readonly timeline: string;
}

/** Finds the server of a list that is wanted, and remembers it until somebody finds it is not. */
export interface ServerLocator {
  /** @throws Error with the code ECONNREFUSED where none of them is the one */
  find(): Promise<string>;
  /** It does not answer, or is not what was wanted. */
  forget(server: string): void;
  readonly wanted: WantedServer;
}

/** How long a server may take to say what it is, in ms. */
const PROBE_MS = 2_000;

/** @param ask asks a server what it is; rejects where it cannot be reached */
export function createServerLocator(
  { servers, wanted }: HostList,
  ask: (server: string) => Promise<ServerRole> = askServer,
): ServerLocator {
  let found: string | undefined;
  let looking: Promise<string> | undefined;

  async function look(): Promise<string> {
    const answers = await Promise.allSettled(servers.map(ask));
    const known = answers.flatMap((answer, index) =>
      answer.status === 'fulfilled' ? [{ server: servers[index] ?? '', ...answer.value }] : [],
    );
    const primaries = known
      .filter(({ readOnly }) => !readOnly)
      // Of two that take writes, one was promoted while the other was not stopped.
      .toSorted((one, other) => (one.timeline < other.timeline ? 1 : -1));
    const standbys = known.filter(({ readOnly }) => readOnly);
    const fitting = {
      any: known,
      'read-write': primaries,
      'read-only': standbys,
      'prefer-standby': [...standbys, ...primaries],
    }[wanted];
    found = fitting[0]?.server;
    if (found !== undefined) return found;
    const reasons = answers.map((answer) =>
      answer.status === 'rejected' ? reasonOf(answer.reason) : `answers, but is not ${wanted}`,
    );
    const message = `None of ${servers.length} servers can be used: ${reasons.join('; ')}.`;
    throw Object.assign(new Error(message), { code: 'ECONNREFUSED' });
  }

  return {
    wanted,
    find() {
      if (found !== undefined) return Promise.resolve(found);
      looking ??= look().finally(() => {
        looking = undefined;
      });
      return looking;
    },
    forget(server) {
      if (found === server) found = undefined;
    },
  };
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function askServer(server: string): Promise<ServerRole> {
  const client = new pg.Client({
    connectionString: server,
    connectionTimeoutMillis: PROBE_MS,
    query_timeout: PROBE_MS,
    application_name: 'daybook looks for the primary',
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query<{ read_only: boolean; timeline: string }>(question);
    const { read_only: readOnly = true, timeline = '' } = rows[0] ?? {};
    return { readOnly, timeline };
  } finally {
    // One that has gone silent would never end.
    client.end(() => undefined);
  }
}

const question = `select current_setting('transaction_read_only') = 'on' as read_only,
  case when pg_is_in_recovery() then ''
       else substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) end as timeline`;
