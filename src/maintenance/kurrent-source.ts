import { randomUUID } from 'node:crypto';
import { parseOptions, type RelayOptions, relayOptions } from '../config/options.ts';
import { type Clock, systemClock } from '../kernel/clock.ts';
import { DaybookError } from '../kernel/errors.ts';
import { loadTargetMaker } from '../relay/target/open-target.ts';
import type { LogSource } from '../transfer/log-source.ts';
import { createRelayedSource } from '../transfer/relayed-source.ts';

/** How long the target may say nothing: its client can hang for ever. */
const PATIENCE_MS = 30_000;

/**
 * Hands a log that was relayed to KurrentDB to whoever restores it.
 * @throws DaybookError `relay-client-missing`, `relay-target-unavailable`
 */
export async function withKurrentSource<Result>(
  relay: RelayOptions,
  use: (source: LogSource) => Promise<Result>,
): Promise<Result> {
  const { url, client } = parseOptions(relayOptions, relay);
  const target = (await loadTargetMaker({ url, client, appends: 'single' })).open();
  try {
    const events = () => inTime(target.readAll(), systemClock, PATIENCE_MS);
    return await use(createRelayedSource({ name: 'KurrentDB', events, newToken: randomUUID }));
  } finally {
    await target.close();
  }
}

/** What an iterable gives, as long as each of it comes in time. */
async function* inTime<Each>(
  iterable: AsyncIterable<Each>,
  clock: Clock,
  timeoutMs: number,
): AsyncGenerator<Each> {
  const iterator = iterable[Symbol.asyncIterator]();
  for (;;) {
    let cancel: () => void = () => undefined;
    const late = new Promise<never>((_, reject) => {
      cancel = clock.after(timeoutMs, () => {
        reject(unavailable(`The target has said nothing for ${timeoutMs} ms.`));
      });
    });
    try {
      const next = await Promise.race([iterator.next(), late]);
      if (next.done === true) return;
      yield next.value;
    } catch (error) {
      if (error instanceof DaybookError) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      throw unavailable(`The target could not be read: ${reason}`, error);
    } finally {
      cancel();
    }
  }
}

function unavailable(message: string, cause?: unknown): DaybookError {
  return new DaybookError('relay-target-unavailable', message, { cause });
}
