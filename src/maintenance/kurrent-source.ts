import { randomUUID } from 'node:crypto';
import { parseOptions, type RelayOptions, relayOptions } from '../config/options.ts';
import { systemClock } from '../kernel/clock.ts';
import { DaybookError } from '../kernel/errors.ts';
import { inTime, type Patience } from '../relay/target/in-time.ts';
import { loadTargetMaker } from '../relay/target/open-target.ts';
import type { LogSource } from '../transfer/log-source.ts';
import { createRelayedSource } from '../transfer/relayed-source.ts';

const restoring: Patience = { clock: systemClock, timeoutMs: 30_000 };

/**
 * Hands a log that was relayed to KurrentDB to whoever restores it.
 * @param source which log, where several were relayed there
 * @throws DaybookError `relay-client-missing`, `relay-target-unavailable`, `source-refused` where it has none
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
    return await use(notEmpty(createRelayedSource({ ...which, events, newToken: randomUUID })));
  } finally {
    await target.close();
  }
}

/** A log in which nothing ever happened is not relayed: the address is that of another server. */
function notEmpty(source: LogSource): LogSource {
  return {
    ...source,
    async *batches(tx) {
      let isEmpty = true;
      for await (const batch of source.batches(tx)) {
        isEmpty = false;
        yield batch;
      }
      if (!isEmpty) return;
      const message =
        'No event of Daybook is on the server that EVENTSTORE_URL names: nothing was ever relayed to it. Nothing was restored.';
      throw new DaybookError('source-refused', message);
    },
  };
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
