import { hostListOf } from '../kernel/servers/host-list.ts';

/**
 * True for what `pg` can take for the address of a server: a URL, or the folder of a socket. Checked
 * here because it takes a word for a host, and with a port that is none it waits for ever in silence.
 */
export function isPostgresAddress(text: string): boolean {
  const list = listIn(text);
  return list === undefined ? isAddress(text) : list.every(isAddress);
}

/** The servers of a list of them; undefined for one. One that cannot be read has none that is right. */
function listIn(text: string): readonly string[] | undefined {
  try {
    return hostListOf(text)?.servers;
  } catch {
    return [''];
  }
}

function isAddress(text: string): boolean {
  if (text.startsWith('/')) return true;
  if (!/^(postgres|postgresql|socket):/i.test(text)) return false;
  // A user without a host means the host that is named behind; blanks are taken as they are.
  const url = parsed(text.replace('@/', '@host/').replaceAll(' ', '%20'));
  if (url === null) return false;
  const port = url.searchParams.get('port');
  return port === null || (/^\d{1,5}$/.test(port) && Number(port) <= 65_535);
}

function parsed(text: string): URL | null {
  return URL.canParse(text) ? new URL(text) : null;
}
