import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { contenders, type ContenderName } from '../contenders/registry.ts';
import { redisSettings, redisVersion } from '../servers/redis-server.ts';
import { installedPeer } from './installed-peer.ts';

export interface Peers {
  /** Contenders that can run here. */
  readonly available: readonly ContenderName[];
  /** Versions and settings, by what they are of. */
  readonly settings: Readonly<Record<string, string>>;
  readonly warnings: readonly string[];
  /** The program that runs a package, or what is built here. */
  nodeOf(name: string | null): string;
}

/**
 * Installs what Daybook is measured against, where that is wanted and not there.
 * @throws Error where that fails
 */
export async function preparePeers(wanted: readonly ContenderName[]): Promise<Peers> {
  const packages = new Set(wanted.map((name) => contenders[name].package));
  packages.delete(null);
  if (packages.size > 0) install();
  const redis = wanted.some((name) => contenders[name].server === 'redis') ? redisVersion() : null;
  const peers = [...packages].map((name) => ({
    name: String(name),
    ...installedPeer(String(name)),
  }));
  const warnings = peers.flatMap(({ warning }) => warning ?? []);
  const available = wanted.filter(
    (name) => contenders[name].server === 'postgres' || redis !== null,
  );
  if (available.length < wanted.length) {
    warnings.push(
      'There is no redis-server here, so BullMQ is left out; Debian has it as redis-server.',
    );
  }
  const settings = peers.map(({ name, version, nodeVersion }) => [
    name,
    `${version} on Node ${nodeVersion}`,
  ]);
  if (redis !== null) settings.push(['redis', `${redis} ${JSON.stringify(redisSettings)}`]);
  return {
    available,
    settings: Object.fromEntries(settings) as Record<string, string>,
    warnings,
    nodeOf: (name) => peers.find((peer) => peer.name === name)?.node ?? process.execPath,
  };
}

function install(): void {
  const script = fileURLToPath(new URL('../../scripts/ensure-installed.mjs', import.meta.url));
  const folder = fileURLToPath(new URL('.', import.meta.url));
  // The project is strict about engines, and npm hands that on to what it runs; peers may be newer.
  const env = { ...process.env, npm_config_engine_strict: 'false', npm_config_loglevel: 'warn' };
  const { status } = spawnSync(process.execPath, [script, folder], { stdio: 'inherit', env });
  if (status !== 0) {
    throw new Error(
      'The peers could not be installed; --contenders daybook measures without them.',
    );
  }
}
