import type { IncomingHttpHeaders } from 'node:http';
import { DaybookError } from '../../kernel/errors.ts';

const loopbackNames = ['localhost', '127.0.0.1', '[::1]'];

/**
 * Refuses requests that a page of another site made. Without API keys the loopback interface is the
 * only fence, and a browser stands on this side of it: a site can rebind its own name to 127.0.0.1
 * (then Host is foreign), or send requests across sites (then Origin or Sec-Fetch-Site say so).
 * @throws DaybookError `forbidden-host`
 */
export type LocalOnly = (headers: IncomingHttpHeaders, url?: string) => void;

/** @param allowedHosts host names that are served beside those of the loopback interface */
export function createLocalOnly(allowedHosts: readonly string[]): LocalOnly {
  const hosts = new Set([...loopbackNames, ...allowedHosts.map((host) => host.toLowerCase())]);
  return (headers, url = '') => {
    const { host = '', origin } = headers;
    // The host in an address that has one goes before the header (RFC 9112, 3.2.2).
    const [, hostInUrl = host] = ABSOLUTE_URL.exec(url) ?? [];
    if (!hosts.has(nameIn(host)) || !hosts.has(nameIn(hostInUrl))) {
      throw new DaybookError(
        'forbidden-host',
        'The Host header, or the address, names a machine that is not on the list of --allow-host.',
      );
    }
    if (origin !== undefined && !hosts.has(nameIn(origin.replace(/^https?:\/\//, '')))) {
      throw new DaybookError('forbidden-host', 'The request comes from a page of another origin.');
    }
    if (headers['sec-fetch-site'] === 'cross-site' && !isNavigation(headers)) {
      throw new DaybookError('forbidden-host', 'The request comes from a page of another site.');
    }
  };
}

const ABSOLUTE_URL = /^https?:\/\/([^/?#]*)/i;

/** `name` or `name:port`, in lower case; anything that does not end there stays as it is, and fails. */
function nameIn(host: string): string {
  return host.toLowerCase().replace(/:\d{1,5}$/, '');
}

/** Following a link to the docs is no attack: the other site does not get to see the answer. */
function isNavigation(headers: IncomingHttpHeaders): boolean {
  return headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document';
}
