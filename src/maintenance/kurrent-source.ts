import { randomUUID } from 'node:crypto';
import { parseOptions, type RelayOptions, relayOptions } from '../config/options.ts';
import { systemClock } from '../kernel/clock.ts';
import { inTime, type Patience } from '../relay/target/in-time.ts';
import { loadTargetMaker } from '../relay/target/open-target.ts';
import type { LogSource } from '../transfer/log-source.ts';
import { createRelayedSource } from '../transfer/relayed-source.ts';

const restoring: Patience = { clock: systemClock, timeoutMs: 30_000 };

/**
 * Hands a log that was relayed to KurrentDB to whoever restores it.
 * @param source which log, where several were relayed there
 * @throws DaybookError `relay-client-missing`, `relay-target-unavailable`
 */
export async function withKurrentSource<Result>(
  relay: RelayOptions,
  source: string | undefined,
  use: (source: LogSource) => Promise<Result>,
): Promise<Result> {
  const { url, client } = parseOptions(relayOptions, relay);
  const target = (await loadTargetMaker({ url, client, appends: 'single' })).open();
  try {
    const events = () => eachInTime(target.readAll(), restoring);
    const which = { name: 'KurrentDB', source };
    return await use(createRelayedSource({ ...which, events, newToken: randomUUID }));
  } finally {
    await target.close();
  }
}

/** What an iterable gives, as long as each of it comes in time. */
async function* eachInTime<Each>(
  iterable: AsyncIterable<Each>,
  patience: Patience,
): AsyncGenerator<Each> {
  const iterator = iterable[Symbol.asyncIterator]();
  for (;;) {
    const next = await inTime(patience, iterator.next());
    if (next.done === true) return;
    yield next.value;
  }
}
