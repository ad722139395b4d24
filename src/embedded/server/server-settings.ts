import { join } from 'node:path';

/** The one role of the server, and the name of its database. */
export const serverRole = 'daybook';

/** For a server that shares a developer's machine with everything else. */
const defaults: Readonly<Record<string, string>> = {
  shared_buffers: '256MB',
  // Every process of Daybook keeps a pool, and people run several beside their own programs.
  max_connections: '200',
  // The log is written once and in order: rarer checkpoints mean fewer full-page images in the WAL.
  checkpoint_timeout: '15min',
  max_wal_size: '4GB',
  wal_compression: 'on',
  synchronous_commit: 'on',
  fsync: 'on',
  log_min_messages: 'warning',
  // Daybook's statements are short; compiling them would cost more than it saves.
  jit: 'off',
};

/** What keeps the server to this machine and to its password; not for callers to change. */
const fixed: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
};

/** The arguments of `postgres`: always the same for the same input, so that a running server can be compared. */
export function serverArguments(
  dataFolder: string,
  port: number,
  settings: Readonly<Record<string, string>> = {},
): string[] {
  const all = { ...defaults, ...settings, ...fixed, port: String(port) };
  return [
    '-D',
    dataFolder,
    ...Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ];
}

/** The address of the server for clients. The password is hexadecimal, so nothing needs escaping. */
export function connectionString(port: number, password: string): string {
  return `postgres://${serverRole}:${password}@127.0.0.1:${port}/${serverRole}`;
}

/** The program file in a set of binaries. */
export function serverProgram(nativeFolder: string): string {
  return join(nativeFolder, 'bin', 'postgres');
}
