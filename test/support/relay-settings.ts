import type { RelaySettings } from '../../src/relay/relay.ts';

/** Of a real server; undefined where the tests bring the double. */
export function realServer(): string | undefined {
  const url = process.env['EVENTSTORE_URL'] ?? '';
  return url === '' ? undefined : url;
}

/** Of the relay in tests: short of patience with the double, so that faults cost little time. */
export function relaySettings(url: string, settings: Partial<RelaySettings> = {}): RelaySettings {
  return {
    url,
    client: 'eventstore',
    appends: 'batch',
    bodies: true,
    maxEventBytes: 1_000_000,
    concurrency: 64,
    ...settings,
    timeoutMs: realServer() === undefined ? (settings.timeoutMs ?? 1_500) : 10_000,
  };
}
