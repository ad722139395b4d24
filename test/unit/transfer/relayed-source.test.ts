import { expect, it } from 'vitest';
import { eventId } from '../../../src/kernel/ids.ts';
import type { SourcedEvent } from '../../../src/transfer/log-source.ts';
import { createRelayedSource, type RelayedEvent } from '../../../src/transfer/relayed-source.ts';

const [one, two] = ['00000000-0000-7000-8000-00000000000a', '00000000-0000-7000-8000-00000000000b'];

function relayed(position: number, streamId = one, version = 1, metadata = {}): RelayedEvent {
  return {
    stream: `job-${streamId}`,
    revision: BigInt(version - 1),
    id: eventId(streamId, 1, version),
    type: 'JobCancelled',
    data: { reason: null },
    metadata: {
      $correlationId: streamId,
      position: String(position),
      version,
      epoch: 1,
      schemaVersion: 1,
      occurredAt: new Date(position * 1_000).toISOString(),
      queue: 'mail',
      jobType: 'send',
      ...metadata,
    },
  };
}

/** A few events wait in memory: nothing has to be put aside. */
const noDatabase = { run: () => Promise.reject(new Error('There is no database here.')) };

function sourceOf(events: readonly RelayedEvent[], log?: string) {
  async function* all() {
    for (const event of events) yield await Promise.resolve(event);
  }
  return createRelayedSource({
    name: 'test',
    source: log,
    events: all,
    newToken: () => 'token',
  });
}

async function read(events: readonly RelayedEvent[], log?: string) {
  const source = sourceOf(events, log);
  const found: SourcedEvent[] = [];
  for await (const batch of source.batches(noDatabase)) found.push(...batch);
  return { found, end: source.end() };
}

it('gives events by their positions, however their streams were appended', async () => {
  const { found, end } = await read([
    relayed(3, two),
    relayed(1),
    { ...relayed(1), stream: 'orders-17' },
    relayed(4, two, 2, { tags: ['a'], elapsedMs: 5, actor: 'ada', $correlationId: 'chain' }),
    relayed(2, one, 2),
  ]);
  expect(found.map(({ event }) => [event.position, event.streamId, event.version])).toEqual([
    [1n, one, 1],
    [2n, one, 2],
    [3n, two, 1],
    [4n, two, 2],
  ]);
  expect(found[0]?.event).toMatchObject({ correlation: null, actor: null, tags: [] });
  expect(found[3]?.event).toMatchObject({
    type: 'JobCancelled',
    correlation: 'chain',
    actor: 'ada',
    tags: ['a'],
    elapsedMs: 5,
    occurredAtMs: 4_000,
  });
  expect(found.map(({ recordedAtMs }) => recordedAtMs)).toEqual([1_000, 2_000, 3_000, 4_000]);
  expect(end).toMatchObject({
    complete: true,
    events: 4,
    epochs: [{ epoch: 1, afterPosition: 0n }],
  });
});

it.each<[string, RelayedEvent[], RegExp]>([
  ['a position that is missing', [relayed(1), relayed(3, two)], /at position 2 is not there/],
  ['a position twice', [relayed(1), relayed(1, two)], /position 1 is there twice/],
  ['an id that is not its own', [{ ...relayed(1), id: two }], /its id is not that of its stream/],
  ['a revision that is not its own', [{ ...relayed(1), revision: 4n }], /its version is 1/],
  ['another type', [{ ...relayed(1), type: 'Invoiced' }], /its type is Invoiced/],
  ['an event without metadata', [{ ...relayed(1), metadata: null }], /of the stream job-/],
])('refuses %s', async (_, events, message) => {
  await expect(read(events)).rejects.toMatchObject({
    code: 'source-refused',
    message: expect.stringMatching(message) as string,
  });
});

it('takes one log of several that were relayed into the same target', async () => {
  const [a, b] = [{ source: '/daybook/a' }, { source: '/daybook/b' }];
  const events = [relayed(1, one, 1, a), relayed(1, two, 1, b), relayed(2, one, 2, a)];
  const versions = async (log: string) =>
    (await read(events, log)).found.map(({ event }) => [event.streamId, event.version]);
  expect(await versions('/daybook/a')).toEqual([
    [one, 1],
    [one, 2],
  ]);
  expect(await versions('/daybook/b')).toEqual([[two, 1]]);
  await expect(read(events)).rejects.toMatchObject({
    code: 'source-refused',
    message: expect.stringMatching(/\/daybook\/a and of \/daybook\/b: name one/) as string,
  });
  // An older version did not say which log an event is of.
  expect((await read([relayed(1), relayed(2, one, 2, b)])).found).toHaveLength(2);
});
