import { DaybookError } from '../kernel/errors.ts';
import { parseOptions, type RelayOptions, relayOptions } from './options.ts';

/**
 * The relay as the environment of a process names it; undefined without EVENTSTORE_URL.
 * @throws DaybookError `invalid-options`
 */
export function relayFromEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
): RelayOptions | undefined {
  const url = environment['EVENTSTORE_URL'] ?? '';
  if (url === '') return undefined;
  const client = environment['EVENTSTORE_CLIENT'] ?? '';
  const appends = environment['EVENTSTORE_APPENDS'] ?? '';
  return parseOptions(relayOptions, {
    url,
    ...(client === '' ? {} : { client }),
    ...(appends === '' ? {} : { appends }),
    payloads: isOn('DAYBOOK_RELAY_PAYLOADS', environment['DAYBOOK_RELAY_PAYLOADS']),
  });
}

function isOn(name: string, text = ''): boolean {
  if (text === '' || text === '1' || text === 'true') return true;
  if (text === '0' || text === 'false') return false;
  throw new DaybookError('invalid-options', `${name} is 0 or 1, and not "${text}".`);
}
