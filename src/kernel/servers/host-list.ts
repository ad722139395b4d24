/** Which server of a list is wanted, as libpq names it. */
export type WantedServer = 'any' | 'read-write' | 'read-only' | 'prefer-standby';

/** A connection string that names several servers. */
export interface HostList {
  /** A connection string for each, in the order in which they are named. */
  readonly servers: readonly string[];
  readonly wanted: WantedServer;
}

const synonyms: Readonly<Record<string, WantedServer>> = {
  any: 'any',
  'read-write': 'read-write',
  primary: 'read-write',
  'read-only': 'read-only',
  standby: 'read-only',
  'prefer-standby': 'prefer-standby',
};

const pattern = /^(postgres(?:ql)?:\/\/(?:[^@/?]*@)?)([^/?@]*)(\/[^?]*)?(?:\?(.*))?$/i;

/**
 * The servers of `postgres://user:password@a:5432,b:5432/database`; undefined for a string that names
 * one. `target_session_attrs` says which of them is wanted; without it the one that takes writes, since
 * that is why there are several.
 * @throws RangeError for a `target_session_attrs` that there is not
 */
export function hostListOf(connectionString: string): HostList | undefined {
  const [, start = '', hosts = '', database = '', query = ''] =
    pattern.exec(connectionString) ?? [];
  const parameters = new URLSearchParams(query);
  const asked = parameters.get('target_session_attrs');
  if (!hosts.includes(',') && asked === null) return undefined;
  const wanted = synonyms[asked ?? 'read-write'];
  if (wanted === undefined) throw new RangeError(`target_session_attrs is ${String(asked)}`);
  parameters.delete('target_session_attrs');
  const rest = parameters.size === 0 ? '' : `?${parameters.toString()}`;
  return { wanted, servers: hosts.split(',').map((host) => `${start}${host}${database}${rest}`) };
}
