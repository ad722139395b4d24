import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('./node_modules/', import.meta.url));

export interface InstalledPeer {
  readonly version: string;
  /** The program that runs it, and its version. */
  readonly node: string;
  readonly nodeVersion: string;
  /** What is to be said of it, if anything. */
  readonly warning: string | null;
}

/**
 * Which Node a peer runs on: this one, unless it asks for a newer one; then the one that is installed
 * beside it.
 */
export function installedPeer(name: string): InstalledPeer {
  const { version, engines } = readPackage(name);
  const own = { version, node: process.execPath, nodeVersion: process.versions.node };
  const wanted = engines?.node;
  if (wanted === undefined || allows(wanted, own.nodeVersion)) return { ...own, warning: null };
  const newer = newerNode();
  const complaint = `${name} ${version} asks for Node ${wanted}, and this is ${own.nodeVersion}`;
  if (newer === null) {
    return {
      ...own,
      warning: `${complaint}; npm has no newer one for this machine, so it runs on that.`,
    };
  }
  const { node, version: nodeVersion } = newer;
  return {
    version,
    node,
    nodeVersion,
    warning: `${complaint}: it runs on Node ${nodeVersion} from npm.`,
  };
}

/**
 * Whether a package may run on this version of Node.
 * @param wanted such as `>=22.12.0`; ranges of other forms are taken to be fine
 */
export function allows(wanted: string, version: string): boolean {
  const least = /^>=\s*(\d+)(?:\.(\d+))?(?:\.(\d+))?$/
    .exec(wanted)
    ?.slice(1)
    .map((part) => Number(part ?? 0));
  const own = version.split('.').map(Number);
  const differs = least?.findIndex((part, index) => part !== own[index]) ?? -1;
  return differs === -1 || (own[differs] ?? 0) > (least?.[differs] ?? 0);
}

function newerNode(): { readonly node: string; readonly version: string } | null {
  const name = `node-${process.platform}-${process.arch}`;
  const node = `${folder}${name}/bin/node`;
  return existsSync(node) ? { node, version: readPackage(name).version } : null;
}

function readPackage(name: string) {
  return JSON.parse(readFileSync(`${folder}${name}/package.json`, 'utf8')) as {
    readonly version: string;
    readonly engines?: { readonly node?: string };
  };
}
