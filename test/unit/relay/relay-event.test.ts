import { expect, it } from 'vitest';
import type { RecordedEvent } from '../../../src/domain/event-types.ts';
import { relayEvent, revisionOf } from '../../../src/relay/relay-event.ts';
import { createRelayedSource, type RelayedEvent } from '../../../src/transfer/relayed-source.ts';

const streamId = '00000000-0000-7000-8000-00000000000a';
const noDatabase = { run: () => Promise.reject(new Error('There is no database here.')) };

function cancelled(correlation: string | null): RecordedEvent & { readonly position: bigint } {
  return {
    type: 'JobCancelled',
    data: { reason: null },
    streamId,
    version: 1,
    position: 1n,
    epoch: 1,
    schemaVersion: 1,
    occurredAtMs: 1_000,
    queue: 'mail',
    jobType: 'send',
    tags: [],
    elapsedMs: null,
    actor: null,
    causation: null,
    correlation,
  };
}

/** An event as it is read from the target: by way of JSON. */
function asRelayed(recorded: ReturnType<typeof cancelled>): RelayedEvent {
  const { stream, version, event } = relayEvent(recorded, '/daybook/test');
  const revision = revisionOf(version);
  return { stream, revision, ...(JSON.parse(JSON.stringify(event)) as typeof event) };
}

async function correlationOf(relayed: RelayedEvent): Promise<string | null | undefined> {
  async function* events() {
    yield await Promise.resolve(relayed);
  }
  const source = createRelayedSource({ name: 'test', events, newToken: () => 'token' });
  for await (const [first] of source.batches(noDatabase)) return first?.event.correlation;
  return undefined;
}

it.each([null, streamId, 'order-7'])('comes back with its correlation: %s', async (correlation) => {
  const relayed = asRelayed(cancelled(correlation));
  expect(relayed.metadata).toMatchObject({ $correlationId: correlation ?? streamId });
  expect(await correlationOf(relayed)).toBe(correlation);
});

it.each([
  [null, null],
  // What was given then cannot be told from what was made up.
  [streamId, null],
  ['order-7', 'order-7'],
])('of an older version, %s comes back as %s', async (correlation, restored) => {
  const relayed = asRelayed(cancelled(correlation));
  const { correlated: _, ...metadata } = relayed.metadata as Record<string, unknown>;
  expect(await correlationOf({ ...relayed, metadata })).toBe(restored);
});
